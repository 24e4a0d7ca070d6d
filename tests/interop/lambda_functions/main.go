// A Lambda function for Kinesis.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handler(ctx context.Context, event events.KinesisEvent) (events.KinesisEventResponse, error) {
	call, _ := lambdacontext.FromContext(ctx)
	_, hasDeadline := ctx.Deadline()
	fmt.Println("function", lambdacontext.FunctionName, call.InvokedFunctionArn, hasDeadline)
	var answer events.KinesisEventResponse
	for _, record := range event.Records {
		word := string(record.Kinesis.Data)
		fmt.Println("word", word, record.EventID)
		if word == "poison" {
			return answer, errors.New("no poison")
		}
	}
	return answer, nil
}

func main() { lambda.Start(handler) }
