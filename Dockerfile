# Outcry in a container: one image, three commands (web, worker, migrate). See docs/deploy.md.
#   docker build -t outcry .
#   docker build -t outcry --build-arg LOCAL_MODEL=true .    includes the small model that runs on the CPU (93 MB)

ARG PYTHON=python:3.13-slim-bookworm
ARG NODE=node:22-bookworm-slim

# The front end
FROM ${NODE} AS pages
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

# Python packages: the tested versions, verified by their hashes
FROM ${PYTHON} AS packages
COPY requirements.txt ./
RUN python -m venv --without-pip /opt/outcry \
    && pip --python /opt/outcry/bin/python install --no-cache-dir --only-binary :all: --require-hashes -r requirements.txt

# The local model, if LOCAL_MODEL is true
FROM ${PYTHON} AS model
ARG LOCAL_MODEL=false
WORKDIR /build
COPY LICENSE ./
COPY conversations/__init__.py conversations/
COPY conversations/local_model/__init__.py conversations/local_model/models.py conversations/local_model/
COPY scripts/ scripts/
RUN mkdir -p var/models && if [ "${LOCAL_MODEL}" = true ]; then \
        ln -s /usr/local .venv && python -c "from scripts.model import ensure_model; ensure_model()"; \
    fi

# The image that runs
FROM ${PYTHON}
# The local model's runtime links to libgomp1.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin outcry \
    && install -d -o outcry -g outcry -m 700 /data

WORKDIR /srv/outcry
COPY --from=packages /opt/outcry /opt/outcry
COPY manage.py LICENSE ./
COPY config/ config/
COPY conversations/ conversations/
COPY evidence/ evidence/
COPY streaming/ streaming/
COPY frontend/ frontend/
COPY --from=pages /build/frontend/dist frontend/dist
COPY --from=model /build/var/models models
COPY deploy/container.sh /usr/local/bin/outcry

ARG OUTCRY_VERSION=unreleased
ENV PATH=/opt/outcry/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OUTCRY_VERSION=${OUTCRY_VERSION} \
    OUTCRY_DATA_DIR=/data \
    OUTCRY_STATIC_DIR=/srv/outcry/static \
    OUTCRY_LOCAL_MODEL=/srv/outcry/models/SmolLM2-135M-Instruct.Q4_1.gguf
# Compile now instead of at each start: the unprivileged user cannot write bytecode beside root's files.
RUN python -m compileall -q config conversations evidence streaming frontend \
    && OUTCRY_DATA_DIR=/tmp/build python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf /tmp/build

USER outcry
VOLUME /data
EXPOSE 8000
# Liveness only. Whether the process can serve is for the load balancer to ask, at /readyz.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT') or 8000}/healthz\", timeout=4)"]
ENTRYPOINT ["outcry"]
CMD ["web"]
