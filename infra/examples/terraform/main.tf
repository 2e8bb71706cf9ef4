# The packaged template of a release as one stack. README.md says how to package it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

data "aws_s3_bucket" "artifacts" {
  bucket = var.artifacts_bucket
}

# By URL: CloudFormation takes at most 51,200 bytes of a template in the request, and this one has three times that.
resource "aws_s3_object" "template" {
  bucket = data.aws_s3_bucket.artifacts.id
  key    = "${var.stack_name}/${filesha256(var.template)}.json"
  source = var.template
}

resource "aws_cloudformation_stack" "kakao_webhooks" {
  name         = var.stack_name
  template_url = "https://${data.aws_s3_bucket.artifacts.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  parameters   = merge(var.settings, { KakaoApps = jsonencode(var.kakao_apps) })

  # For its roles, and for the transform of AWS SAM.
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]

  # Terraform creates no change set that shows what is replaced. This refuses to replace the table, the queue or the domain.
  policy_body = file(var.stack_policy)

  # The slowest gradual deployment takes half an hour.
  timeouts {
    create = "60m"
    update = "60m"
  }

  lifecycle {
    prevent_destroy = true
  }
}
