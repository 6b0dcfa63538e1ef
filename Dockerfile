# For who has a container engine and no conda: the packages of a run, from the same lock as `make run`. The checkout is
# mounted, so that results and edits stay in it:
#   docker build --tag leaveout .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/leaveout" leaveout demo
# With the packages of images, text and sound too (several GB; OpenL3 is not among them, it needs conda):
#   docker build --tag leaveout --build-arg EMBED=1 .
FROM python:3.11-slim
ARG EMBED=
COPY requirements /requirements
RUN python -m pip install --no-cache-dir --no-deps --require-hashes --requirement /requirements/run.txt
RUN test -z "$EMBED" || python -m pip install --no-cache-dir --requirement /requirements/embed.txt
# Whoever runs it has neither a home nor a name in the image; Snakemake asks for both.
ENV HOME=/tmp USER=leaveout
WORKDIR /leaveout
ENTRYPOINT ["snakemake", "--cores", "all"]
CMD ["demo"]
