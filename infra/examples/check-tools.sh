#!/usr/bin/env bash
# Checks the examples for other tools offline: `cdk synth`, whose result must be the project's template, and Terraform's files,
# as far as they can be read without Terraform. Needs Node 20 and Python 3; installs the rest, pinned, into .local/.
set -euo pipefail
cd "$(dirname "$0")/../.."
. .ci/tools
install_template_linters
install_checkov
python=$PWD/.local/lint/bin/python
check=$PWD/infra/examples/check_tools.py

# Checkov brings python-hcl2.
"$python" -B "$check" names | .local/checkov/bin/python -B "$check" terraform

work=.local/cdk
mkdir -p "$work"
rm -rf "$work"/{src,dist,cdk.out}
cp -r infra/examples/cdk/. "$work"
"$python" -B "$check" package "$work/packaged.json"
cd "$work"
export CDK_DISABLE_CLI_TELEMETRY=true
unset "${!AWS_@}"
npm ci --no-audit --no-fund --ignore-scripts --silent
npm run --silent synth
"$python" -B "$check" cdk .
