package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// environment sets the variables that are given, as NAME=value, and none else.
func environment(t *testing.T, settings ...string) {
	t.Helper()
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		for _, prefix := range []string{"LEAVER_", "AZURE_", "IDENTITY_", "MSI_"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, value) // so that it is put back
				require.NoError(t, os.Unsetenv(name))
			}
		}
	}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
}

// loaded is the configuration that these settings, and none else, make.
func loaded(t *testing.T, settings ...string) config {
	t.Helper()
	environment(t, settings...)
	c, err := load()
	require.NoError(t, err)
	return c
}

// ran is what the worker says to a command.
func ran(args ...string) error {
	c := command()
	c.SetArgs(args)
	return c.ExecuteContext(context.Background())
}

func TestNothingNeedsToBeSet(t *testing.T) {
	assert.Equal(t, config{
		TaskQueue: "offboarding", DeviceQueue: "offboarding-devices", Cloud: "global", FirstPoll: time.Minute, LongestPoll: 4 * time.Hour, DeviceDeadline: 30 * 24 * time.Hour,
		ListPages: 1000, ListRows: 50_000, StopTimeout: 65 * time.Second, Privileged: leaver.GuardApproval, MaxDevices: 20, MaxStarts: 10, Approvals: activities.ApproveGuarded, Approvers: 1, WorkflowCache: 10_000, LogFormat: "text", LogLevel: slog.LevelInfo, Credential: defaultChain,
	}, loaded(t))
}

func TestAnEmptyVariableIsTheDefault(t *testing.T) {
	empty := loaded(t, "LEAVER_TASK_QUEUE=", "LEAVER_CLOUD=", "LEAVER_FIRST_POLL=", "LEAVER_CREDENTIAL=", "LEAVER_DEVICE_CREDENTIAL=", "LEAVER_LOG_LEVEL=")
	assert.Equal(t, loaded(t), empty)
}

func TestWhatIsSetIsRead(t *testing.T) {
	c := loaded(t, "LEAVER_TASK_QUEUE=people", "LEAVER_DEVICE_TASK_QUEUE=phones", "LEAVER_CLOUD=usgov-l5", "LEAVER_GRAPH_URL=https://graph.example.com/graph",
		`LEAVER_DEVICE_POLICY={"company":{"windows":"wipe"}}`,
		"LEAVER_FIRST_POLL=5m", "LEAVER_LONGEST_POLL=1h", "LEAVER_DEVICE_DEADLINE=48h", "LEAVER_STOP_TIMEOUT=0s", "LEAVER_WORKFLOW_CACHE=500", "LEAVER_LIST_PAGES=7", "LEAVER_MACOS_UNLOCK_CODE_FILE=/run/secrets/code", "LEAVER_EXCHANGE=preview,invokeCommand", "LEAVER_EXCHANGE_URL=https://exchange.example.com/", "LEAVER_LIST_ROWS=70", "LEAVER_PROTECTED_USERS=chief@contoso.com,glass@contoso.com", "LEAVER_PROTECTED_GROUPS=0e1f0000-0000-4000-8000-000000000001", "LEAVER_PRIVILEGED_USERS=refused",
		"LEAVER_MAX_DEVICES=5", "LEAVER_MAX_STARTS=-1", "LEAVER_STRICT_GUARDS=true", "LEAVER_APPROVALS=always", "LEAVER_APPROVERS=2", "LEAVER_ALLOWED_SIGNERS=/etc/leaver/allowed_signers", "LEAVER_LOG_FORMAT=json",
		"LEAVER_LOG_LEVEL=debug", "LEAVER_SIGN_IN_DIR=/var/lib/leaver", "LEAVER_CREDENTIAL=client-secret", "LEAVER_DEVICE_CREDENTIAL=device-code",
		"LEAVER_WEBHOOK_URL=https://hooks.example.com/leaver", "LEAVER_WEBHOOK_SECRET_FILE=/run/secrets/webhook", "LEAVER_MAIL_FROM=it@contoso.com",
		"AZURE_TENANT_ID="+tenant, "AZURE_CLIENT_ID=c1", "AZURE_CLIENT_SECRET=s1")
	assert.Equal(t, config{
		TaskQueue: "people", DeviceQueue: "phones", Cloud: "usgov-l5", GraphURL: "https://graph.example.com/graph", FirstPoll: 5 * time.Minute, LongestPoll: time.Hour,
		DevicePolicy:   devicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}},
		DeviceDeadline: 48 * time.Hour, WorkflowCache: 500, UnlockCodeFile: "/run/secrets/code", Exchange: []string{"preview", "invokeCommand"}, ExchangeURL: "https://exchange.example.com/", ListPages: 7, ListRows: 70,
		ProtectedUsers: []string{"chief@contoso.com", "glass@contoso.com"}, ProtectedGroups: []string{"0e1f0000-0000-4000-8000-000000000001"}, Privileged: leaver.GuardRefused,
		MaxDevices: 5, MaxStarts: -1, StrictGuards: true, Approvals: activities.ApproveAlways, Approvers: 2, AllowedSigners: "/etc/leaver/allowed_signers", LogFormat: "json", LogLevel: slog.LevelDebug, SignInDir: "/var/lib/leaver",
		WebhookURL: "https://hooks.example.com/leaver", WebhookSecret: "/run/secrets/webhook", MailFrom: "it@contoso.com",
		Credential: clientSecret, DeviceCredential: deviceCode,
		Identity:       identity{TenantID: tenant, ClientID: "c1", ClientSecret: "s1"},
		DeviceIdentity: identity{TenantID: tenant, ClientID: "c1"},
	}, c)
}

const tenant = "5a1d0000-0000-4000-8000-00000000ce11"

func TestADoorToExchangeNeedsTheTenantAndAnAddressThatKeepsTheToken(t *testing.T) {
	for settings, want := range map[string]string{
		"LEAVER_EXCHANGE=preview LEAVER_CREDENTIAL=device-code AZURE_CLIENT_ID=c AZURE_TENANT_ID=" + tenant: "LEAVER_CREDENTIAL: want an application's credential",
		"LEAVER_EXCHANGE=window":                                    "LEAVER_EXCHANGE: want preview, invokeCommand, or both",
		"LEAVER_EXCHANGE=invokeCommand":                             "AZURE_TENANT_ID: want the tenant's GUID",
		"LEAVER_EXCHANGE=invokeCommand AZURE_TENANT_ID=contoso.com": "AZURE_TENANT_ID: want the tenant's GUID",
		"LEAVER_EXCHANGE=preview LEAVER_EXCHANGE_URL=http://exchange.example.com AZURE_TENANT_ID=" + tenant:                                            "LEAVER_EXCHANGE_URL: the URL is plain http",
		"LEAVER_EXCHANGE=preview LEAVER_CREDENTIAL=simulated LEAVER_GRAPH_TOKEN=x LEAVER_GRAPH_URL=http://127.0.0.1:1/graph AZURE_TENANT_ID=" + tenant: "LEAVER_EXCHANGE_URL: want a simulated Exchange on loopback",
	} {
		t.Run(settings, func(t *testing.T) {
			environment(t, strings.Fields(settings)...)
			_, err := load()
			require.ErrorContains(t, err, want)
		})
	}
}

func TestTheDeviceCredentialFallsBackToTheMainTenantAndClient(t *testing.T) {
	for _, c := range []struct {
		settings []string
		want     identity
	}{
		{nil, identity{TenantID: "t1", ClientID: "c1"}},
		{[]string{"LEAVER_DEVICE_TENANT_ID=t2"}, identity{TenantID: "t2", ClientID: "c1"}},
		{[]string{"LEAVER_DEVICE_CLIENT_ID=c2"}, identity{TenantID: "t1", ClientID: "c2"}},
		{[]string{"LEAVER_DEVICE_CLIENT_SECRET=s2"}, identity{TenantID: "t1", ClientID: "c1", ClientSecret: "s2"}},
	} {
		t.Run(strings.Join(c.settings, ""), func(t *testing.T) {
			got := loaded(t, append(c.settings, "AZURE_TENANT_ID=t1", "AZURE_CLIENT_ID=c1", "AZURE_CLIENT_SECRET=s1")...)
			assert.Equal(t, c.want, got.DeviceIdentity, "secrets are never shared")
		})
	}
}

func TestAWrongSettingNamesItsVariable(t *testing.T) {
	for setting, want := range map[string]string{
		"LEAVER_CLOUD=mars":                                      `LEAVER_CLOUD: no cloud is named "mars", want one of global, usgov-l4, usgov-l5, china`,
		"LEAVER_GRAPH_URL=http://graph.example.com":              "LEAVER_GRAPH_URL: the URL is plain http",
		"LEAVER_GRAPH_URL=graph.example.com":                     "LEAVER_GRAPH_URL: the URL must be absolute",
		"LEAVER_GRAPH_URL=https://user:pw@graph.example.com":     "LEAVER_GRAPH_URL: the URL must hold neither user",
		"LEAVER_FIRST_POLL=soon":                                 "LEAVER_FIRST_POLL: want a duration such as 90s, 1m or 720h",
		"LEAVER_FIRST_POLL=60":                                   "LEAVER_FIRST_POLL: want a duration such as 90s, 1m or 720h",
		"LEAVER_FIRST_POLL=10ms":                                 "LEAVER_FIRST_POLL: want a second at least",
		"LEAVER_FIRST_POLL=-1m":                                  "LEAVER_FIRST_POLL: want a second at least",
		"LEAVER_LONGEST_POLL=10s":                                "LEAVER_LONGEST_POLL: must not be shorter than LEAVER_FIRST_POLL",
		"LEAVER_LONGEST_POLL=x":                                  "LEAVER_LONGEST_POLL: want a duration such as 90s, 1m or 720h",
		"LEAVER_DEVICE_DEADLINE=30s":                             "LEAVER_DEVICE_DEADLINE: must not be shorter than LEAVER_FIRST_POLL",
		"LEAVER_DEVICE_DEADLINE=30d":                             "LEAVER_DEVICE_DEADLINE: want a duration such as 90s, 1m or 720h",
		"LEAVER_DEVICE_DEADLINE=99999h":                          "LEAVER_DEVICE_DEADLINE: want at most 87600h0m0s",
		`LEAVER_DEVICE_POLICY={"company":{"windows":"explode"}}`: "LEAVER_DEVICE_POLICY.company.windows: want retire, wipe",
		`LEAVER_DEVICE_POLICY=wipe`:                              `want JSON such as {"company"`,
		`LEAVER_DEVICE_POLICY={"company":{"windos":"wipe"}}`:     `LEAVER_DEVICE_POLICY: company.windos: unknown field; want JSON such as {"company"`,
		"LEAVER_DEVICE_TASK_QUEUE=offboarding":                   "LEAVER_DEVICE_TASK_QUEUE: must not be LEAVER_TASK_QUEUE",
		"LEAVER_STOP_TIMEOUT=-1s":                                "LEAVER_STOP_TIMEOUT: must not be negative",
		"LEAVER_LIST_PAGES=0":                                    "LEAVER_LIST_PAGES: want 1 at least",
		"LEAVER_LIST_ROWS=-1":                                    "LEAVER_LIST_ROWS: want 1 at least",
		"LEAVER_WORKFLOW_CACHE=0":                                "LEAVER_WORKFLOW_CACHE: want 1 at least",
		"LEAVER_WORKFLOW_CACHE=many":                             "LEAVER_WORKFLOW_CACHE: want a whole number, such as 10000",
		"LEAVER_PRIVILEGED_USERS=no":                             "LEAVER_PRIVILEGED_USERS: want approval, refused or clear",
		"LEAVER_PROTECTED_GROUPS=chiefs":                         "LEAVER_PROTECTED_GROUPS: want object ids of groups",
		"LEAVER_PROTECTED_USERS=a b":                             "LEAVER_PROTECTED_USERS: want object ids or user principal names",
		"LEAVER_MAX_DEVICES=0":                                   "LEAVER_MAX_DEVICES: want 1 at least",
		"LEAVER_MAX_STARTS=0":                                    "LEAVER_MAX_STARTS: want 1 at least",
		"LEAVER_STRICT_GUARDS=perhaps":                           "LEAVER_STRICT_GUARDS: want true or false",
		"LEAVER_APPROVALS=some":                                  "LEAVER_APPROVALS: want never, guarded, destructive or always",
		"LEAVER_APPROVERS=0":                                     "LEAVER_APPROVERS: want 1 to 10",
		"LEAVER_WEBHOOK_URL=http://hooks.example.com":            "LEAVER_WEBHOOK_URL: is plain http",
		"LEAVER_WEBHOOK_URL=https://hooks.example.com/?sig=x":    "LEAVER_WEBHOOK_URL, LEAVER_WEBHOOK_SECRET_FILE: set both, or none",
		"LEAVER_WEBHOOK_SECRET_FILE=/run/secrets/webhook":        "LEAVER_WEBHOOK_URL, LEAVER_WEBHOOK_SECRET_FILE: set both, or none",
		"LEAVER_MAIL_FROM=it at contoso":                         "LEAVER_MAIL_FROM: want the object id or user principal name",
		"LEAVER_LOG_FORMAT=xml":                                  "LEAVER_LOG_FORMAT: want text or json",
		"LEAVER_LOG_LEVEL=loud":                                  "LEAVER_LOG_LEVEL: want debug, info, warn or error",
	} {
		t.Run(setting, func(t *testing.T) {
			environment(t, setting)
			_, err := load()
			require.ErrorContains(t, err, want)
			assert.True(t, strings.HasPrefix(err.Error(), "LEAVER_"), err)
			assert.NotContains(t, err.Error(), "\n")
			_, value, _ := strings.Cut(setting, "=")
			if len(value) > 6 {
				assert.NotContains(t, err.Error(), value, "a value may be a secret in the wrong place")
			}
		})
	}
}

func TestPlainHTTPIsForLoopback(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8090/graph", "http://localhost:8090/graph", "http://[::1]:8090/graph", "https://graph.example.com"} {
		environment(t, "LEAVER_GRAPH_URL="+url)
		_, err := load()
		assert.NoError(t, err, url)
	}
}

// Every command reads the settings first and says what is wrong with them.
func TestEveryCommandRefusesWrongSettings(t *testing.T) {
	environment(t, "LEAVER_CLOUD=mars")
	for _, args := range [][]string{{}, {"sign-in"}, {"health"}} {
		assert.ErrorContains(t, ran(args...), "LEAVER_CLOUD: ", "%v", args)
	}
}

func TestASecretOfTheWebhookThatIsNoneIsRefusedAndNotRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte("hunter2"), 0o600))
	environment(t, "LEAVER_WEBHOOK_URL=https://hooks.example.com/leaver", "LEAVER_WEBHOOK_SECRET_FILE="+path)
	err := ran()
	require.ErrorContains(t, err, "LEAVER_WEBHOOK_SECRET_FILE: want as the secret whsec_")
	assert.NotContains(t, err.Error(), "hunter2")
}

func TestTheWorkerDoesNotStartWithoutItsCredential(t *testing.T) {
	environment(t, "LEAVER_CREDENTIAL=client-secret")
	assert.ErrorContains(t, ran(), "AZURE_TENANT_ID: must be set with LEAVER_CREDENTIAL=client-secret")
}

// docs/configuration.md lists the variables, and the device credential's by their prefix.
func TestTheDocumentNamesEveryVariableAndNoOther(t *testing.T) {
	content, err := os.ReadFile("../docs/configuration.md")
	require.NoError(t, err)
	text := string(content)
	known := map[string]bool{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config]()) {
		if name := field.Tag.Get("env"); name != "" {
			known[name] = true
			assert.True(t, strings.Contains(text, "`"+name+"`"), name)
		}
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[identity]()) {
		name := field.Tag.Get("env")
		known["LEAVER_DEVICE_"+name] = true
		assert.True(t, strings.Contains(text, "`AZURE_"+name+"`"), name)
	}
	for _, name := range regexp.MustCompile(`LEAVER_\w+`).FindAllString(text, -1) {
		assert.True(t, known[name], name)
	}
}
