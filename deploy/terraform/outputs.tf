output "table_name" {
  description = "tableName of the properties, where it is not the application's name."
  value       = aws_dynamodb_table.leases.name
}

output "policy_arn" {
  description = "For a role of your own: an EC2 instance, an ECS task."
  value       = aws_iam_policy.worker.arn
}

output "role_arn" {
  description = "For the annotation of deploy/kubernetes/serviceaccount.yaml. Null where no role is made."
  value       = one(aws_iam_role.worker[*].arn)
}
