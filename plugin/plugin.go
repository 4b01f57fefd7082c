// Package plugin puts offboarding into a host's Temporal worker: as a Temporal
// plugin (NewPlugin), or by plain registration (New and Register).
package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graph"
	"github.com/leaver-dev/leaver/internal/webhook"
	"github.com/leaver-dev/leaver/workflows"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Name identifies the plugin to Temporal.
const Name = "leaver-dev.leaver"

// Config is what an offboarding works with. Credential alone is needed.
type Config struct {
	// Credential signs in to Graph, for example one of azidentity's. A replay
	// calls nothing, so any will do there.
	Credential azcore.TokenCredential
	// DeviceCredential signs in for the device steps; nil means Credential.
	// Microsoft documented removeAllDevicesFromManagement for delegated tokens
	// only, and later for both kinds.
	DeviceCredential azcore.TokenCredential
	// Cloud is global, usgov-l4, usgov-l5 or china; empty means global.
	Cloud string
	// GraphURL replaces the cloud's Graph, for a simulated tenant. Plain http
	// is allowed on loopback only.
	GraphURL string
	// FirstPoll is the first wait between two looks at whether the devices are
	// gone; it doubles up to LongestPoll. Zero means a minute, and four hours.
	FirstPoll, LongestPoll time.Duration
	// DeviceDeadline is how long devices may take to leave management when the
	// request does not say. Zero means 30 days.
	DeviceDeadline time.Duration
	// DevicePolicy says what to do with devices when the request does not. Its
	// zero value retires them all.
	DevicePolicy leaver.DevicePolicy
	// DeviceTaskQueue has the writes to Intune run on a task queue of their own, so
	// that Intune's limit can be kept over all workers: let workers with
	// RegisterActivities listen there, with DeviceWritesPerSecond as their
	// worker.Options.TaskQueueActivitiesPerSecond. Empty means the workflow's own.
	DeviceTaskQueue string
	// SecondLook is how long after Graph has not found a device it is asked again: a
	// device is gone when Graph says so twice. Zero means 5 seconds.
	SecondLook time.Duration
	// MacOSUnlockCode is the six-digit code that a wipe of a Mac carries. It is a secret,
	// and stands in no history and no log. Empty means none.
	MacOSUnlockCode string
	// Guards say whom plans refuse, and which plans a person approves first. The zero value has plans approved of
	// who holds directory roles, has more than 20 devices, or is one of more than 10 within an hour.
	Guards activities.Guards
	// Profiles are what offboardings of one kind have in common, by the names that requests give; that of
	// leaver.DefaultProfile is for requests that name none. leaver.ParseProfiles reads them.
	Profiles map[string]leaver.Profile
	// Exchange opens doors to Exchange Online, for the steps about mail that Graph does not have. The zero value opens
	// none, and a plan with such a step is refused.
	Exchange Exchange
	// WebhookURL is what profiles have told about offboardings, and WebhookSecret what events are signed with, as
	// Standard Webhooks writes secrets: whsec_ and base64. Plain http is allowed on loopback only. Empty means none.
	WebhookURL, WebhookSecret string
	// MailFrom is the user, by object id or user principal name, from whose mailbox profiles have mails sent. Empty
	// means none.
	MailFrom string
	// ListPages and ListRows are how many pages and rows a list of Graph's may have
	// before it counts as a list without end. Zero means 1,000 and 50,000.
	ListPages, ListRows int
}

// Exchange says by which doors Exchange Online is reached, and where it is.
type Exchange struct {
	// Doors are "preview", the Exchange Online Admin API, which is a preview and can do little, and "invokeCommand", what
	// Microsoft's PowerShell module uses and Microsoft does not document. What the preview can do goes there where both
	// are open.
	Doors []string
	// TenantID is the GUID of the tenant.
	TenantID string
	// URL replaces the cloud's Exchange, for a simulated tenant.
	URL string
}

// DeviceWritesPerSecond keeps below what Intune takes from one application: 200
// writes in 20 seconds. An attempt writes once at most.
//
// Microsoft: https://learn.microsoft.com/graph/throttling-limits#intune-service-limits
const DeviceWritesPerSecond = 9

// Offboarding is a workflow and its activities, ready to be registered.
type Offboarding struct {
	activities *activities.Activities
}

// New checks c. Nothing is sent.
func New(c Config) (*Offboarding, error) {
	a, err := c.activities()
	if err != nil {
		return nil, fmt.Errorf("offboarding: %w", err)
	}
	return &Offboarding{a}, nil
}

func (c Config) activities() (*activities.Activities, error) {
	cloud, err := graph.CloudNamed(c.Cloud)
	if err != nil {
		return nil, err
	}
	options := graph.Options{Cloud: cloud, URL: c.GraphURL, Credential: c.Credential, Limits: graph.Limits{Pages: c.ListPages, Rows: c.ListRows}}
	users, err := graph.New(options)
	if err != nil {
		return nil, err
	}
	devices := users
	if options.Credential = c.DeviceCredential; c.DeviceCredential != nil {
		if devices, err = graph.New(options); err != nil {
			return nil, err
		}
	}
	exchange, err := c.exchange(cloud)
	if err != nil {
		return nil, err
	}
	endpoint, err := c.webhook()
	if err != nil {
		return nil, err
	}
	if c.MailFrom != "" && leaver.CheckUserID(c.MailFrom) != nil {
		return nil, errors.New("the sender of mails: want the object id or user principal name of a user")
	}
	return activities.New(activities.Config{Webhook: endpoint, MailFrom: c.MailFrom, Graph: users, Devices: devices, Exchange: exchange, DeviceTaskQueue: c.DeviceTaskQueue, SecondLook: cmp.Or(c.SecondLook, 5*time.Second), MacOSUnlockCode: c.MacOSUnlockCode, Guards: c.Guards, Profiles: c.Profiles, DeviceSettings: leaver.DeviceSettings{
		Policy:      c.DevicePolicy,
		Deadline:    leaver.Duration(cmp.Or(c.DeviceDeadline, 30*24*time.Hour)),
		FirstLook:   leaver.Duration(cmp.Or(c.FirstPoll, time.Minute)),
		LongestLook: leaver.Duration(cmp.Or(c.LongestPoll, 4*time.Hour)),
	}})
}

// webhook is what events go to, or nil.
func (c Config) webhook() (*webhook.Endpoint, error) {
	if c.WebhookURL == "" && c.WebhookSecret == "" {
		return nil, nil
	}
	endpoint, err := webhook.New(c.WebhookURL, c.WebhookSecret)
	if err != nil {
		return nil, fmt.Errorf("the webhook: %w", err)
	}
	return endpoint, nil
}

// exchange is the client for the doors that are open, or nil.
func (c Config) exchange(cloud graph.Cloud) (*graph.Exchange, error) {
	if len(c.Exchange.Doors) == 0 {
		return nil, nil
	}
	options := graph.ExchangeOptions{Cloud: cloud, URL: c.Exchange.URL, TenantID: c.Exchange.TenantID, Credential: c.Credential, Limits: graph.Limits{Pages: c.ListPages, Rows: c.ListRows}}
	for _, door := range c.Exchange.Doors {
		options.Doors = append(options.Doors, graph.ExchangeDoor(door))
	}
	return graph.NewExchange(options)
}

// Registry is what Register needs of a worker, a replayer or a test environment.
type Registry interface {
	RegisterWorkflowWithOptions(workflow any, options workflow.RegisterOptions)
	RegisterActivityWithOptions(activity any, options activity.RegisterOptions)
}

// Register puts the workflow and all activities on r, under their contract names.
func (o *Offboarding) Register(r Registry) {
	workflows.Register(r)
	o.activities.Register(r)
}

// Interceptor has signals refused that have several inputs, of which the SDK hands over the first alone. The plugin brings
// it; a host that calls Register puts it into worker.Options.Interceptors.
func Interceptor() interceptor.WorkerInterceptor { return workflows.Interceptor() }

// RegisterActivities puts the activities alone on r, for a worker of
// Config.DeviceTaskQueue.
func (o *Offboarding) RegisterActivities(r worker.ActivityRegistry) { o.activities.Register(r) }

// NewPlugin makes the Temporal plugin. Set it on client.Options.Plugins or on
// worker.Options.Plugins, never on both.
func NewPlugin(c Config) (*temporal.SimplePlugin, error) {
	o, err := New(c)
	if err != nil {
		return nil, err
	}
	return temporal.NewSimplePlugin(temporal.SimplePluginOptions{
		Name:               Name,
		WorkerInterceptors: []interceptor.WorkerInterceptor{Interceptor()},
		RunContextBefore: func(_ context.Context, run temporal.SimplePluginRunContextBeforeOptions) error {
			o.Register(run.Registry)
			return nil
		},
	})
}
