"""What does a SAM template become? Prints its translation to CloudFormation, without a call to AWS."""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


def main(path):
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam deploy` uploads the folder and puts its address here.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    print(json.dumps(Translator({}, Parser()).translate(template, {}), indent=1))


main(sys.argv[1])
