# Three images: `streamer` (every command of the program), and `prometheus` and `alertmanager` with this repository's settings.

FROM python:3.11.15-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/streamer
# The lock first: a change of the program installs no dependency again. No source package: no compiler, no script of theirs.
COPY requirements/run.lock ./
RUN /opt/streamer/bin/pip install --require-hashes --only-binary :all: -r run.lock
COPY pyproject.toml LICENSE ./
COPY streamer streamer
RUN /opt/streamer/bin/pip install --no-index --no-deps --no-build-isolation .

# The addresses of docker-compose.yml in place of the loopback's. Workers are found by their name, however many there are.
FROM python:3.11.15-slim-bookworm AS prometheus-files
COPY prometheus /prometheus
RUN sed -i 's|file_sd_configs: .*targets/worker.yml.*|dns_sd_configs: [{names: [worker], type: A, port: 6066, refresh_interval: 5s}]|' /prometheus/prometheus.yml
RUN sed -i 's|127.0.0.1|board|' /prometheus/targets/board.yml
RUN sed -i 's|127.0.0.1|alertmanager|' /prometheus/targets/alertmanager.yml
RUN sed -i 's|^\[\]$|- targets: ["ingest:8088"]|' /prometheus/targets/ingest.yml
RUN grep -q 'names: \[worker\]' /prometheus/prometheus.yml

FROM prom/prometheus:v2.53.5 AS prometheus
COPY --from=prometheus-files /prometheus /etc/prometheus

# Alerts go to the demo's receiver until alertmanager.yml names yours.
FROM python:3.11.15-slim-bookworm AS alertmanager-files
COPY alertmanager /alertmanager
RUN sed -i 's|127.0.0.1:9095|receiver:9095|' /alertmanager/alertmanager.yml

FROM prom/alertmanager:v0.28.1 AS alertmanager
COPY --from=alertmanager-files /alertmanager /etc/alertmanager

FROM python:3.11.15-slim-bookworm AS streamer
# A volume mounted at /var/lib/streamer takes over its owner.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/streamer --shell /usr/sbin/nologin streamer \
    && install -d -o streamer -g streamer -m 0750 /var/lib/streamer
COPY --from=build /opt/streamer /opt/streamer
ENV PATH=/opt/streamer/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/streamer
EXPOSE 6066 8080 8088
ENTRYPOINT ["streamer"]
CMD ["--help"]
