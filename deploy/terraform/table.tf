# Leases, checkpoints, the leader's lock and the workers' metrics: all of it is in this one table.
resource "aws_dynamodb_table" "leases" {
  name         = var.application_name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "leaseKey"

  attribute {
    name = "leaseKey"
    type = "S"
  }

  attribute {
    name = "leaseOwner"
    type = "S"
  }

  global_secondary_index {
    name            = "LeaseOwnerToLeaseKeyIndex"
    hash_key        = "leaseOwner"
    range_key       = "leaseKey"
    projection_type = "KEYS_ONLY"
  }

  # Without the table every shard would be read again from initialPositionInStream.
  deletion_protection_enabled = true
}
