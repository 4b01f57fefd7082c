package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/webhook"
	"github.com/leaver-dev/leaver/plugin"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
)

// pollers is what a busy task queue of several partitions needs; with
// Temporal's default of two, new workflows waited for more than a minute.
const pollers = 10

// run works until it is interrupted, then lets running activities finish.
func run(ctx context.Context, c config, _ io.Writer) error {
	all, devices, err := c.credentials()
	if err != nil {
		return err
	}
	unlockCode := ""
	if c.UnlockCodeFile != "" {
		if unlockCode, err = secretIn("LEAVER_MACOS_UNLOCK_CODE_FILE", c.UnlockCodeFile); err != nil {
			return err
		}
	}
	webhookSecret := ""
	if c.WebhookSecret != "" {
		if webhookSecret, err = secretIn("LEAVER_WEBHOOK_SECRET_FILE", c.WebhookSecret); err != nil {
			return err
		}
		if _, err := webhook.New(c.WebhookURL, webhookSecret); err != nil {
			return fmt.Errorf("LEAVER_WEBHOOK_SECRET_FILE: %w", err)
		}
	}
	var signers []byte
	if c.AllowedSigners != "" {
		if signers, err = os.ReadFile(c.AllowedSigners); err != nil {
			return errors.New("LEAVER_ALLOWED_SIGNERS: the file cannot be read")
		}
		if len(signers) == 0 {
			return errors.New("LEAVER_ALLOWED_SIGNERS: the file is empty, so nobody could approve")
		}
	}
	profiles, err := profiles(c.Profiles)
	if err != nil {
		return err
	}
	offboarding, err := plugin.New(plugin.Config{
		Credential: all, DeviceCredential: devices, Cloud: c.Cloud, GraphURL: c.GraphURL,
		FirstPoll: c.FirstPoll, LongestPoll: c.LongestPoll, DeviceDeadline: c.DeviceDeadline,
		DevicePolicy: leaver.DevicePolicy(c.DevicePolicy), DeviceTaskQueue: c.DeviceQueue,
		Exchange:   plugin.Exchange{Doors: c.Exchange, TenantID: c.Identity.TenantID, URL: c.ExchangeURL},
		WebhookURL: c.WebhookURL, WebhookSecret: webhookSecret, MailFrom: c.MailFrom,
		Profiles: profiles, MacOSUnlockCode: unlockCode, ListPages: c.ListPages, ListRows: c.ListRows, Guards: activities.Guards{
			ProtectedUsers: c.ProtectedUsers, ProtectedGroups: c.ProtectedGroups, Privileged: c.Privileged,
			MaxDevices: c.MaxDevices, MaxStarts: c.MaxStarts, Strict: c.StrictGuards,
			Approvals: c.Approvals, Approvers: c.Approvers, AllowedSigners: signers,
		},
	})
	if err != nil {
		return err
	}
	logger := c.logger()
	temporal, err := dial(ctx, logger)
	if err != nil {
		return err
	}
	defer temporal.Close()
	sdkworker.SetStickyWorkflowCacheSize(c.WorkflowCache)
	options := sdkworker.Options{
		MaxConcurrentWorkflowTaskPollers: pollers,
		MaxConcurrentActivityTaskPollers: pollers,
		WorkerStopTimeout:                c.StopTimeout,
		Interceptors:                     []interceptor.WorkerInterceptor{plugin.Interceptor()},
	}
	w := sdkworker.New(temporal, c.TaskQueue, options)
	offboarding.Register(w)
	options.DisableWorkflowWorker = true
	options.TaskQueueActivitiesPerSecond = plugin.DeviceWritesPerSecond
	devicesWorker := sdkworker.New(temporal, c.DeviceQueue, options)
	offboarding.RegisterActivities(devicesWorker)
	if err := devicesWorker.Start(); err != nil {
		return err
	}
	defer devicesWorker.Stop()
	logger.Info("Working", "taskQueue", c.TaskQueue, "deviceTaskQueue", c.DeviceQueue, "cloud", c.Cloud, "credential", string(c.Credential), "deviceCredential", string(c.DeviceCredential))
	return w.Run(sdkworker.InterruptCh())
}

func dial(ctx context.Context, logger *slog.Logger) (client.Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("read the Temporal settings (TEMPORAL_*): %w", err)
	}
	options.Logger = sdklog.NewStructuredLogger(logger)
	temporal, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("no Temporal server answers, set TEMPORAL_ADDRESS (and TEMPORAL_NAMESPACE, TEMPORAL_API_KEY or TEMPORAL_TLS_*): %w", err)
	}
	return temporal, nil
}

// health is for a container's health check.
func health(ctx context.Context, c config, _ io.Writer) error {
	temporal, err := dial(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer temporal.Close()
	queue, err := temporal.DescribeTaskQueue(ctx, c.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err == nil && len(queue.GetPollers()) == 0 {
		err = fmt.Errorf("no worker polls the task queue %s", c.TaskQueue)
	}
	return err
}
