package plugin_test

import (
	"log"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/plugin"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The plugin puts the workflow and its activities into any worker.
func ExampleNewPlugin() {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		log.Fatal(err)
	}
	offboarding, err := plugin.NewPlugin(plugin.Config{Credential: credential})
	if err != nil {
		log.Fatal(err)
	}
	temporal, err := client.Dial(client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer temporal.Close()
	w := worker.New(temporal, leaver.TaskQueue, worker.Options{Plugins: []worker.Plugin{offboarding}})
	if err := w.Run(worker.InterruptCh()); err != nil {
		log.Println(err)
	}
}

// Without plugins: the same by plain registration.
func ExampleOffboarding_Register() {
	var w worker.Worker
	var config plugin.Config
	offboarding, err := plugin.New(config)
	if err != nil {
		log.Fatal(err)
	}
	offboarding.Register(w)
}

// A larger orchestration runs the offboarding as a child workflow.
func ExampleOffboarding_child() {
	_ = func(ctx workflow.Context, userID string) (leaver.Report, error) {
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{TaskQueue: leaver.TaskQueue})
		var report leaver.Report
		err := workflow.ExecuteChildWorkflow(ctx, leaver.WorkflowType, leaver.Request{
			UserID:    userID,
			OnFailure: leaver.Continue, // nobody is asked
		}).Get(ctx, &report)
		if leaver.IsFailure(err, leaver.UserNotFound) {
			return report, nil // nothing to do in this tenant
		}
		return report, err
	}
}

// One activity alone, in anybody's workflow.
func ExampleOffboarding_activity() {
	_ = func(ctx workflow.Context, userID string) (leaver.StepResult, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue:           leaver.TaskQueue,
			StartToCloseTimeout: time.Minute,
			WaitForCancellation: true, // a write that runs is let finish
		})
		var result leaver.StepResult
		err := workflow.ExecuteActivity(ctx, leaver.ActivityRemoveAllDevices, leaver.StepRequest{UserID: userID}).Get(ctx, &result)
		return result, err
	}
}
