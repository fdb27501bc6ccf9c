"""The public face: every name that `import onefold as of` offers, and nothing else."""


__all__ = [name for name in dir() if not name.startswith("_")]
