"""Holds Zuul configuration to Zuul's own schemas, and its names to each other: check_zuul.py FILE FOLDER.

FOLDER is where paths of playbooks begin. Says what is wrong and ends with status 1.
"""

import pathlib
import sys

import yaml
from zuul.configloader import JobParser, ProjectParser

SCHEMAS = {"job": JobParser.schema, "project": ProjectParser(None).schema}


def names(items):
    return [item if isinstance(item, str) else next(iter(item)) for item in items]


def faults(items, folder):
    jobs = [item["job"] for item in items if "job" in item]
    known = {"base"} | {job["name"] for job in jobs}
    if len(known) != len(jobs) + 1:
        yield "a job is defined twice"
    for job in jobs:
        for name in [job["parent"], *job.get("dependencies", [])]:
            if name not in known:
                yield f"{job['name']} names {name}, which is no job"
        for key in ("pre-run", "run", "post-run"):
            if key in job and not (folder / job[key]).is_file():
                yield f"{job['name']} plays {job[key]}, which is no file"
    for project in (item["project"] for item in items if "project" in item):
        for pipeline, content in project.items():
            for name in names(content["jobs"]):
                if name not in known:
                    yield f"{pipeline} runs {name}, which is no job"


def main():
    items = yaml.safe_load(pathlib.Path(sys.argv[1]).read_text())
    for item in items:
        (kind, content), = item.items()
        SCHEMAS[kind](content)
    found = list(faults(items, pathlib.Path(sys.argv[2])))
    print("\n".join(found), end="")
    return 1 if found else 0


sys.exit(main())
