# The least that a worker needs when Terraform makes the table. docs/PERMISSIONS.md has the rest: tags, backups, old KCL fleets.
data "aws_iam_policy_document" "worker" {
  statement {
    sid = "Stream"
    actions = [
      "kinesis:DescribeStreamSummary",
      "kinesis:ListShards",
      "kinesis:GetShardIterator",
      "kinesis:GetRecords",
    ]
    resources = [var.stream_arn]
  }

  statement {
    sid = "Leases"
    actions = [
      "dynamodb:DescribeTable",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "dynamodb:DeleteItem",
      "dynamodb:Scan",
    ]
    resources = [aws_dynamodb_table.leases.arn]
  }

  statement {
    sid       = "LeasesOfOneWorker"
    actions   = ["dynamodb:Query"]
    resources = ["${aws_dynamodb_table.leases.arn}/index/LeaseOwnerToLeaseKeyIndex"]
  }

  # Whether workers of KCL 3.0 to 3.4 have made this table. It need not be there.
  statement {
    sid       = "FormatOfFleet"
    actions   = ["dynamodb:DescribeTable"]
    resources = ["${aws_dynamodb_table.leases.arn}-CoordinatorState"]
  }

  # Metrics; with metricsLevel=NONE it is not needed.
  statement {
    sid       = "Metrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [var.application_name]
    }
  }

  dynamic "statement" {
    for_each = var.fan_out ? [1] : []
    content {
      sid       = "RegisterConsumer"
      actions   = ["kinesis:RegisterStreamConsumer"]
      resources = [var.stream_arn]
    }
  }

  dynamic "statement" {
    for_each = var.fan_out ? [1] : []
    content {
      sid = "Consumer"
      actions = [
        "kinesis:DescribeStreamConsumer",
        "kinesis:SubscribeToShard",
      ]
      resources = ["${var.stream_arn}/consumer/*"]
    }
  }
}

resource "aws_iam_policy" "worker" {
  name   = "kclite-${var.application_name}"
  policy = data.aws_iam_policy_document.worker.json
}

# A role for pods of EKS, by web identity.
locals {
  issuer = element(split("oidc-provider/", var.oidc_provider_arn), 1)
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.oidc_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:${var.service_account}"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "worker" {
  count              = var.oidc_provider_arn == "" ? 0 : 1
  name               = "kclite-${var.application_name}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy_attachment" "worker" {
  count      = var.oidc_provider_arn == "" ? 0 : 1
  role       = aws_iam_role.worker[0].name
  policy_arn = aws_iam_policy.worker.arn
}
