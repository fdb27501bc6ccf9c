FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.13-slim
RUN --mount=type=bind,from=build,source=/dist,target=/dist \
    pip install --no-cache-dir /dist/*.whl \
 && useradd --create-home --uid 10001 onefold
USER onefold
WORKDIR /home/onefold
ENTRYPOINT ["onefold"]
CMD ["--help"]
