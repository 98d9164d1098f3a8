# syntax=docker/dockerfile:1
# Stage 1 installs, stage 2 bundles the pages, stage 3 runs as a user without rights.
FROM python:3.11-slim-bookworm AS install
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /albumen
COPY requirements requirements
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --quiet --require-hashes -r requirements/uv.txt \
 && .venv/bin/uv pip install --quiet --no-cache --python .venv/bin/python --require-hashes -r requirements/serve.txt
COPY pyproject.toml README.md ./
COPY app app
COPY ml ml
COPY migrations migrations
RUN .venv/bin/uv pip install --quiet --no-cache --python .venv/bin/python --no-deps --no-build-isolation --editable .

FROM node:22-bookworm-slim AS front
WORKDIR /albumen
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY static static
RUN npm run build

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home albumen && mkdir /data /models && chown albumen /data /models
WORKDIR /albumen
COPY --from=install /albumen /albumen
COPY templates templates
COPY static static
COPY --from=front /albumen/static/dist static/dist
ENV PATH=/albumen/.venv/bin:$PATH ALBUMEN_DATA=/data ALBUMEN_MODELS=/models PYTHONUNBUFFERED=1
USER albumen
VOLUME ["/data", "/models"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=5m \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# Weights are fetched at the first start and kept in /models.
CMD ["sh", "-c", "albumen models fetch && exec albumen serve --host 0.0.0.0"]
