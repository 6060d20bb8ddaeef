# The server and the page, without PyTorch. Build: docker build -t showtell .   Run: see docs/server.md
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src src
RUN python -m venv /showtell && /showtell/bin/pip install --no-cache-dir -c constraints.txt '.[server]'

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home showtell && install -d -o showtell /data
COPY --from=build /showtell /showtell
USER showtell
ENV PATH=/showtell/bin:$PATH PYTHONUNBUFFERED=1 SHOWTELL_FEEDBACK=/data/feedback.sqlite
VOLUME /data
EXPOSE 8017
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8017/api/health', timeout=4)"]
# Without SHOWTELL_TOKEN in the environment a token is made and printed.
CMD ["showtell", "serve", "--host", "0.0.0.0", "--make-token"]
