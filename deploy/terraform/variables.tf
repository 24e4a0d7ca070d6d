terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "application_name" {
  description = "applicationName of the properties. The lease table has this name, unless tableName says otherwise."
  type        = string
}

variable "stream_arn" {
  description = "The stream to read."
  type        = string
}

variable "fan_out" {
  description = "Whether workers read by enhanced fan-out (retrievalMode = FANOUT)."
  type        = bool
  default     = false
}

variable "oidc_provider_arn" {
  description = "The OIDC provider of an EKS cluster. Empty: no role is made; attach the policy to a role of your own."
  type        = string
  default     = ""
}

variable "service_account" {
  description = "Namespace and name of the service account that may take the role."
  type        = string
  default     = "default:kclite"
}
