package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graph"
	"github.com/leaver-dev/leaver/internal/webhook"
)

// config is everything the worker is told, all by environment variables but
// for Temporal's own, which envconfig reads.
type config struct {
	TaskQueue      string        `env:"LEAVER_TASK_QUEUE" envDefault:"offboarding"`
	DeviceQueue    string        `env:"LEAVER_DEVICE_TASK_QUEUE"`
	Cloud          string        `env:"LEAVER_CLOUD" envDefault:"global"`
	GraphURL       string        `env:"LEAVER_GRAPH_URL"`
	FirstPoll      time.Duration `env:"LEAVER_FIRST_POLL" envDefault:"1m"`
	LongestPoll    time.Duration `env:"LEAVER_LONGEST_POLL" envDefault:"4h"`
	DeviceDeadline time.Duration `env:"LEAVER_DEVICE_DEADLINE" envDefault:"720h"`
	DevicePolicy   devicePolicy  `env:"LEAVER_DEVICE_POLICY"`
	UnlockCodeFile string        `env:"LEAVER_MACOS_UNLOCK_CODE_FILE"`
	Profiles       string        `env:"LEAVER_PROFILES"`
	Exchange       []string      `env:"LEAVER_EXCHANGE"`
	ExchangeURL    string        `env:"LEAVER_EXCHANGE_URL"`
	WebhookURL     string        `env:"LEAVER_WEBHOOK_URL"`
	WebhookSecret  string        `env:"LEAVER_WEBHOOK_SECRET_FILE"`
	MailFrom       string        `env:"LEAVER_MAIL_FROM"`
	ListPages      int           `env:"LEAVER_LIST_PAGES" envDefault:"1000"`
	ListRows       int           `env:"LEAVER_LIST_ROWS" envDefault:"50000"`
	StopTimeout    time.Duration `env:"LEAVER_STOP_TIMEOUT" envDefault:"65s"`
	WorkflowCache  int           `env:"LEAVER_WORKFLOW_CACHE" envDefault:"10000"`
	LogFormat      string        `env:"LEAVER_LOG_FORMAT" envDefault:"text"`
	LogLevel       slog.Level    `env:"LEAVER_LOG_LEVEL" envDefault:"info"`
	SignInDir      string        `env:"LEAVER_SIGN_IN_DIR"`

	// What plans refuse, and what must be approved.
	ProtectedUsers  []string                `env:"LEAVER_PROTECTED_USERS"`
	ProtectedGroups []string                `env:"LEAVER_PROTECTED_GROUPS"`
	Privileged      leaver.GuardResult      `env:"LEAVER_PRIVILEGED_USERS" envDefault:"approval"`
	MaxDevices      int                     `env:"LEAVER_MAX_DEVICES" envDefault:"20"`
	MaxStarts       int                     `env:"LEAVER_MAX_STARTS" envDefault:"10"`
	StrictGuards    bool                    `env:"LEAVER_STRICT_GUARDS"`
	Approvals       activities.ApprovalRule `env:"LEAVER_APPROVALS" envDefault:"guarded"`
	Approvers       int                     `env:"LEAVER_APPROVERS" envDefault:"1"`
	AllowedSigners  string                  `env:"LEAVER_ALLOWED_SIGNERS"`

	Credential       credentialKind `env:"LEAVER_CREDENTIAL" envDefault:"default"`
	DeviceCredential credentialKind `env:"LEAVER_DEVICE_CREDENTIAL"`

	Identity       identity `envPrefix:"AZURE_"`
	DeviceIdentity identity `envPrefix:"LEAVER_DEVICE_"`

	// The tokens of credentials of kind simulated.
	GraphToken       string `env:"LEAVER_GRAPH_TOKEN"`
	DeviceGraphToken string `env:"LEAVER_DEVICE_GRAPH_TOKEN"`
}

// identity is who signs in, as azidentity's own variables name it.
type identity struct {
	TenantID            string `env:"TENANT_ID"`
	ClientID            string `env:"CLIENT_ID"`
	ClientSecret        string `env:"CLIENT_SECRET"`
	ClientSecretFile    string `env:"CLIENT_SECRET_FILE"`
	CertificatePath     string `env:"CLIENT_CERTIFICATE_PATH"`
	CertificatePassword string `env:"CLIENT_CERTIFICATE_PASSWORD"`
	TokenFile           string `env:"FEDERATED_TOKEN_FILE"`
}

// devicePolicy is a leaver.DevicePolicy as JSON.
type devicePolicy leaver.DevicePolicy

func (p *devicePolicy) UnmarshalText(text []byte) error {
	return leaver.ParseStrict(text, (*leaver.DevicePolicy)(p))
}

// wanted says what is right, by the type of a field.
var wanted = map[reflect.Type]string{
	reflect.TypeFor[devicePolicy]():  `want JSON such as {"company":{"windows":"wipe"},"personal":{"default":"retire"}}`,
	reflect.TypeFor[time.Duration](): "want a duration such as 90s, 1m or 720h",
	reflect.TypeFor[bool]():          "want true or false",
	reflect.TypeFor[int]():           "want a whole number, such as 10000",
	reflect.TypeFor[slog.Level]():    "want debug, info, warn or error",
}

// load reads and checks the environment. Its errors are one line that says
// which variable to set to what.
func load() (config, error) {
	c, err := env.ParseAs[config]()
	if wrong, ok := errors.AsType[env.ParseError](err); ok {
		field, _ := reflect.TypeFor[config]().FieldByName(wrong.Name)
		text := wanted[wrong.Type]
		if wrong.Type == reflect.TypeFor[devicePolicy]() {
			text = fmt.Sprintf("%v; %s", wrong.Err, text) // it names the field within
		}
		return c, fmt.Errorf("%s: %s", field.Tag.Get("env"), text)
	}
	if err != nil {
		return c, err
	}
	c.DeviceQueue = cmp.Or(c.DeviceQueue, c.TaskQueue+"-devices")
	c.DeviceIdentity.TenantID = cmp.Or(c.DeviceIdentity.TenantID, c.Identity.TenantID)
	c.DeviceIdentity.ClientID = cmp.Or(c.DeviceIdentity.ClientID, c.Identity.ClientID)
	return c, c.check()
}

func (c config) check() error {
	if _, err := graph.CloudNamed(c.Cloud); err != nil {
		return fmt.Errorf("LEAVER_CLOUD: %w", err)
	}
	if _, err := graph.CheckURL(c.GraphURL); err != nil && c.GraphURL != "" {
		return fmt.Errorf("LEAVER_GRAPH_URL: %w", err)
	}
	if err := webhook.CheckURL(c.WebhookURL); err != nil && c.WebhookURL != "" {
		return fmt.Errorf("LEAVER_WEBHOOK_URL: %w", err)
	}
	if err := leaver.DevicePolicy(c.DevicePolicy).Check("LEAVER_DEVICE_POLICY"); err != nil {
		return err
	}
	if err := c.checkExchange(); err != nil {
		return err
	}
	switch {
	case c.DeviceQueue == c.TaskQueue:
		return errors.New("LEAVER_DEVICE_TASK_QUEUE: must not be LEAVER_TASK_QUEUE, whose other steps the limit would hold up")
	case c.FirstPoll < time.Second:
		return errors.New("LEAVER_FIRST_POLL: want a second at least, such as 1m")
	case c.LongestPoll < c.FirstPoll:
		return errors.New("LEAVER_LONGEST_POLL: must not be shorter than LEAVER_FIRST_POLL")
	case c.DeviceDeadline < c.FirstPoll:
		return errors.New("LEAVER_DEVICE_DEADLINE: must not be shorter than LEAVER_FIRST_POLL")
	case c.DeviceDeadline > leaver.MaxDeviceDeadline:
		return fmt.Errorf("LEAVER_DEVICE_DEADLINE: want at most %s, such as 720h", leaver.MaxDeviceDeadline)
	case c.StopTimeout < 0:
		return errors.New("LEAVER_STOP_TIMEOUT: must not be negative")
	case c.WorkflowCache < 1:
		return errors.New("LEAVER_WORKFLOW_CACHE: want 1 at least, such as 10000")
	case c.ListPages < 1:
		return errors.New("LEAVER_LIST_PAGES: want 1 at least, such as 1000")
	case c.ListRows < 1:
		return errors.New("LEAVER_LIST_ROWS: want 1 at least, such as 50000")
	case !slices.Contains([]leaver.GuardResult{leaver.GuardApproval, leaver.GuardRefused, leaver.GuardClear}, c.Privileged):
		return errors.New("LEAVER_PRIVILEGED_USERS: want approval, refused or clear")
	case c.MaxDevices < 1:
		return errors.New("LEAVER_MAX_DEVICES: want 1 at least, such as 20")
	case c.MaxStarts == 0:
		return errors.New("LEAVER_MAX_STARTS: want 1 at least, such as 10, or -1 for no limit")
	case !slices.Contains([]activities.ApprovalRule{activities.ApproveNever, activities.ApproveGuarded, activities.ApproveDestructive, activities.ApproveAlways}, c.Approvals):
		return errors.New("LEAVER_APPROVALS: want never, guarded, destructive or always")
	case c.Approvers < 1 || c.Approvers > 10:
		return errors.New("LEAVER_APPROVERS: want 1 to 10")
	case slices.ContainsFunc(c.ProtectedGroups, func(id string) bool { return uuid.Validate(id) != nil }):
		return errors.New("LEAVER_PROTECTED_GROUPS: want object ids of groups, with commas between them")
	case slices.ContainsFunc(c.ProtectedUsers, func(id string) bool { return leaver.CheckUserID(id) != nil }):
		return errors.New("LEAVER_PROTECTED_USERS: want object ids or user principal names, with commas between them")
	case (c.WebhookURL == "") != (c.WebhookSecret == ""):
		return errors.New("LEAVER_WEBHOOK_URL, LEAVER_WEBHOOK_SECRET_FILE: set both, or none")
	case c.MailFrom != "" && leaver.CheckUserID(c.MailFrom) != nil:
		return errors.New("LEAVER_MAIL_FROM: want the object id or user principal name of a user")
	case c.LogFormat != "text" && c.LogFormat != "json":
		return errors.New("LEAVER_LOG_FORMAT: want text or json")
	}
	return nil
}

// checkExchange refuses doors that there are not, and what they cannot do without.
func (c config) checkExchange() error {
	for _, door := range c.Exchange {
		if !slices.Contains(graph.ExchangeDoors(), graph.ExchangeDoor(door)) {
			return errors.New("LEAVER_EXCHANGE: want preview, invokeCommand, or both with a comma between them; leave it out to open no door")
		}
	}
	_, err := graph.CheckURL(c.ExchangeURL)
	switch {
	case len(c.Exchange) == 0:
		return nil
	case uuid.Validate(c.Identity.TenantID) != nil:
		return errors.New("AZURE_TENANT_ID: want the tenant's GUID with LEAVER_EXCHANGE")
	case c.Credential == deviceCode:
		return errors.New("LEAVER_CREDENTIAL: want an application's credential with LEAVER_EXCHANGE, which takes no signed-in person here")
	case c.ExchangeURL != "" && err != nil:
		return fmt.Errorf("LEAVER_EXCHANGE_URL: %w", err)
	case c.Credential == simulated && !graph.Loopback(c.ExchangeURL):
		return errors.New("LEAVER_EXCHANGE_URL: want a simulated Exchange on loopback with LEAVER_CREDENTIAL=simulated")
	}
	return nil
}

// cloud is the one that check has found.
func (c config) cloud() graph.Cloud {
	cloud, _ := graph.CloudNamed(c.Cloud)
	return cloud
}

// logger writes to standard error.
func (c config) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
