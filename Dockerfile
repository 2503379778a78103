# The image of aiops-agent. `make image` lays out the folder that this is built from (build/image:
# our wheel, the wheels that requirements.lock hashes, pip) and checks the result (tools/image.py).
# BASE brings Python, as python3, and the certificates of the system; nothing else is asked of it.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
LABEL aiops-agent.image=stage
COPY pip /build/pip
COPY wheels /build/wheels
ARG EXTRAS
# No index is asked. Bytecode holds no times and its sets have one order: two builds are equal.
RUN python3 -m venv --without-pip /opt/aiops \
 && PYTHONPATH=/build/pip python3 -m pip --python /opt/aiops/bin/python install --no-index \
    --find-links /build/wheels --no-compile --no-cache-dir --disable-pip-version-check \
    --root-user-action ignore "aiops-agent[${EXTRAS}]" \
 && find /opt/aiops -depth -type d -name tests -path '*/numpy/*' -exec rm -r {} + \
 && PYTHONHASHSEED=0 /opt/aiops/bin/python -m compileall -q -j 1 --invalidation-mode unchecked-hash \
    /opt/aiops/lib

FROM ${BASE}
# What a base brings to build with is of no use to who runs here, but for an attacker.
RUN python3 -m pip uninstall --quiet --yes --root-user-action ignore setuptools wheel pip 2>/dev/null; \
    rm -rf ~/.cache; install -d -m 0700 -o 65532 -g 65532 /var/lib/aiops
COPY --from=build /opt/aiops /opt/aiops
ENV PATH=/opt/aiops/bin:$PATH HOME=/var/lib/aiops LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    AIOPS_STATE_DIR=/var/lib/aiops AIOPS_SERVER_HOST=0.0.0.0
ARG VERSION
LABEL org.opencontainers.image.title=aiops-agent \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.licenses=Apache-2.0
# Any other number does too; it needs a /var/lib/aiops of its own.
USER 65532:65532
WORKDIR /var/lib/aiops
EXPOSE 8088
ENTRYPOINT ["aiops"]
CMD ["serve"]
