"""Made-up problems with exact step-by-step solutions, drawn afresh."""
