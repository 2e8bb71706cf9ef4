"""Simulates the service of the example in the local cloud: begins a session, and shows what is stored of a member."""

import argparse
import json
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "local"))

import deploy as local
from botocore.exceptions import BotoCoreError, ClientError

STACK = "end-sessions"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--endpoint", required=True, help="the local cloud, as in http://127.0.0.1:4566")
    parser.add_argument("what", choices=["begin", "show"])
    parser.add_argument("app_id")
    parser.add_argument("member_number")
    arguments = parser.parse_args()
    user = f"USER#{arguments.app_id}#{arguments.member_number}"
    cloud = local.Cloud(arguments.endpoint)
    try:
        (stack,) = cloud.stacks.describe_stacks(StackName=STACK)["Stacks"]
        (table,) = (output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == "SessionsTable")
        if arguments.what == "begin":
            now = int(time.time())
            item = {"pk": {"S": user}, "sk": {"S": f"SESSION#{now}"}, "started_at": {"N": str(now)}}
            cloud.table.put_item(TableName=table, Item=item)
        found = cloud.table.query(
            TableName=table,
            KeyConditionExpression="pk = :user",
            ExpressionAttributeValues={":user": {"S": user}},
            ConsistentRead=True,
        )
    except (BotoCoreError, ClientError) as error:
        local.fail(f"the local cloud at {arguments.endpoint}: {error}")
    for item in found["Items"]:
        print(json.dumps({name: next(iter(value.values())) for name, value in item.items() if name != "pk"}))


if __name__ == "__main__":
    main()
