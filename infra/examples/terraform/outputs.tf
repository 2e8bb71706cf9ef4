locals {
  outputs = aws_cloudformation_stack.kakao_webhooks.outputs
}

output "urls" {
  description = "What to register at Kakao."
  value = {
    unlink         = local.outputs["UnlinkUrl"]
    account_status = local.outputs["AccountStatusUrl"]
    talk_share     = local.outputs["TalkShareUrl"]
    talk_channel   = local.outputs["TalkChannelUrl"]
    skill          = local.outputs["SkillUrl"]
  }
}

output "base_url" {
  description = "For khook check."
  value       = local.outputs["BaseUrl"]
}

output "bus_name" {
  description = "For aws_cloudwatch_event_rule of your consumers."
  value       = local.outputs["BusName"]
}

output "read_state_policy_arn" {
  description = "For aws_iam_role_policy_attachment of the service that reads users' items."
  value       = local.outputs["ReadStatePolicyArn"]
}

output "table_name" {
  description = "Where the users' items are."
  value       = local.outputs["TableName"]
}

output "event_queue_url" {
  description = "Where your service sends its own events."
  value       = local.outputs["EventQueueUrl"]
}

output "domain_target" {
  description = "The CNAME's target, with DomainName and without HostedZoneId."
  value       = lookup(local.outputs, "DomainTarget", null)
}
