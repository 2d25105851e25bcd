# MLflow as the worker expects it, with PostgreSQL's driver.
FROM python:3.12-slim-bookworm
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --require-hashes --requirement /tmp/requirements.txt \
  && useradd --create-home --uid 1000 mlflow \
  && install --directory --owner=mlflow /mlflow
COPY healthcheck.py /healthcheck.py
USER mlflow
WORKDIR /mlflow
VOLUME /mlflow
EXPOSE 5000
ENTRYPOINT ["mlflow"]
CMD ["server", "--host=0.0.0.0", "--port=5000"]
