variable "kakao_apps" {
  description = "The Kakao apps. It contains no secret: khook hash-key prints the digest of an admin key."
  type = list(object({
    app_id           = string
    rest_api_keys    = list(string)
    admin_key_sha256 = list(string)
    bot_ids          = optional(list(string), [])
  }))
}

variable "settings" {
  description = "Every other parameter of the template, by its name: docs/settings.md. CloudFormation refuses an unknown one."
  type        = map(string)
  default     = {}
}

variable "artifacts_bucket" {
  description = "The bucket in the stack's region that sam package uploaded the functions to."
  type        = string
}

variable "template" {
  description = "The file that sam package wrote."
  type        = string
  default     = "packaged.json"
}

variable "stack_policy" {
  description = "The stack-policy.json of the release."
  type        = string
  default     = "stack-policy.json"
}

variable "stack_name" {
  description = "khook doctor and khook --stack take it."
  type        = string
  default     = "kakao-webhooks"
}
