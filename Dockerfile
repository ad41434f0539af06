# One image for all three services; the command picks one:
#   docker run --env-file .env skillswallet serve issuer --host 0.0.0.0 --port 8000 --migrate
# Its steps are those of the Makefile, which CI runs.
FROM python:3.13-slim AS build
RUN apt-get -qq update && apt-get -qq install --yes --no-install-recommends make
WORKDIR /app
COPY pyproject.toml Makefile README.md LICENSE ./
COPY cli cli
COPY issuer issuer
COPY kernel kernel
COPY runtime runtime
COPY schemas schemas
COPY skills skills
COPY verifier verifier
COPY wallet wallet
COPY demo demo
# Compiled here, since the services may write nothing where they run.
RUN make install PYTHON=/usr/local/bin/python3 COMPILE=--compile

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin skillswallet && install -d -o 10001 /data /keys
COPY --from=build /app /app
WORKDIR /app
USER 10001
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
ENTRYPOINT ["/app/.venv/bin/skillswallet"]
CMD ["--help"]
