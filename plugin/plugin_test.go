package plugin_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/activities"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/leaver-dev/leaver/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

var quiet = log.NewStructuredLogger(slog.New(slog.DiscardHandler))

type token string

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// contoso is a tenant whose devices leave at once, and what a host configures
// to work in it.
func contoso(t *testing.T) (*graphsim.Tenant, plugin.Config) {
	t.Helper()
	tenant := graphsim.NewTenant(nil)
	tenant.Add(graphsim.Contoso(0)...)
	server := httptest.NewServer(tenant.Handler())
	t.Cleanup(server.Close)
	return tenant, plugin.Config{Credential: token(tenant.Token(graphsim.Application)), GraphURL: server.URL + graphsim.GraphPath, SecondLook: time.Millisecond, Guards: activities.Guards{MaxStarts: -1, MaxDevices: 1000, AllowOthers: true}}
}

func environment() *testsuite.TestWorkflowEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(quiet)
	return suite.NewTestWorkflowEnvironment()
}

func offboardAdele(t *testing.T, env *testsuite.TestWorkflowEnvironment, tenant *graphsim.Tenant) {
	t.Helper()
	env.ExecuteWorkflow(leaver.WorkflowType, leaver.Request{UserID: graphsim.Leaver})
	var report leaver.Report
	require.NoError(t, env.GetWorkflowResult(&report))
	assert.Equal(t, leaver.Completed, report.Status)
	user := tenant.Users()[graphsim.Leaver]
	assert.False(t, user.AccountEnabled)
	assert.Empty(t, user.Devices)
}

// withPlugin is an environment whose worker has the plugin.
func withPlugin(t *testing.T, config plugin.Config) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	p, err := plugin.NewPlugin(config)
	require.NoError(t, err)
	assert.Equal(t, plugin.Name, p.Name())
	return environment().SetWorkerOptions(worker.Options{Plugins: []worker.Plugin{p}})
}

func TestAHostOffboardsWithThePlugin(t *testing.T) {
	t.Parallel()
	tenant, config := contoso(t)
	offboardAdele(t, withPlugin(t, config), tenant)
}

func TestAHostOffboardsByPlainRegistration(t *testing.T) {
	t.Parallel()
	tenant, config := contoso(t)
	offboarding, err := plugin.New(config)
	require.NoError(t, err)
	env := environment()
	offboarding.Register(env)
	offboardAdele(t, env, tenant)
}

func TestRegisteringTwiceIsHarmless(t *testing.T) {
	t.Parallel()
	_, config := contoso(t)
	offboarding, err := plugin.New(config)
	require.NoError(t, err)
	// The client is lazy: no server is asked.
	lazy, err := client.NewLazyClient(client.Options{Logger: quiet})
	require.NoError(t, err)
	defer lazy.Close()
	w := worker.New(lazy, leaver.TaskQueue, worker.Options{})
	offboarding.Register(w)
	assert.NotPanics(t, func() { offboarding.Register(w) })
}

// A host's own workflow needs nothing but the activity's name and the user: it may use
// the contract's types, or JSON of its own.
func TestOneActivityAloneServesAnybodysWorkflow(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]any{
		"JSON":     map[string]string{"userId": graphsim.Leaver},
		"a step's": leaver.StepRequest{UserID: graphsim.Leaver, Reason: "left", Results: map[string]leaver.StepResult{leaver.StepDisableAccount: {Outcome: leaver.Done}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant, config := contoso(t)
			env := withPlugin(t, config)
			env.RegisterWorkflowWithOptions(func(ctx workflow.Context) (leaver.StepResult, error) {
				ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
				var result leaver.StepResult
				err := workflow.ExecuteActivity(ctx, "RemoveAllDevices", input).Get(ctx, &result)
				return result, err
			}, workflow.RegisterOptions{Name: "LeaveCompany"})
			before := tenant.Users()
			env.ExecuteWorkflow("LeaveCompany")
			var result leaver.StepResult
			require.NoError(t, env.GetWorkflowResult(&result))
			assert.Equal(t, leaver.Done, result.Outcome)
			require.Len(t, result.Items, 4)
			for i, device := range before[graphsim.Leaver].Devices {
				assert.Equal(t, device.ID, result.Items[i].ID)
				assert.Equal(t, device.Name, result.Items[i].Device.Name)
			}
			assert.Empty(t, tenant.Users()[graphsim.Leaver].Devices)
			assert.True(t, tenant.Users()[graphsim.Leaver].AccountEnabled, "nothing else was done")
			assert.Len(t, tenant.Users()["megan@contoso.com"].Devices, 1)
		})
	}
}

func TestAConfigThatCannotWorkIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*plugin.Config){
		"needs a credential":                        func(c *plugin.Config) { c.Credential = nil },
		"plain http":                                func(c *plugin.Config) { c.GraphURL = "http://graph.example.com" },
		"must be absolute":                          func(c *plugin.Config) { c.GraphURL = "graph.example.com" },
		"neither user, query nor fragment":          func(c *plugin.Config) { c.GraphURL = "https://u:p@graph.example.com" },
		"must begin with https":                     func(c *plugin.Config) { c.GraphURL = "ftp://graph.example.com" },
		`no cloud is named "mars", want one of glo`: func(c *plugin.Config) { c.Cloud = "mars" },
		"the first look must be positive":           func(c *plugin.Config) { c.FirstPoll = -time.Minute },
		"neither the longest":                       func(c *plugin.Config) { c.FirstPoll, c.LongestPoll = time.Hour, time.Minute },
		"want as the secret whsec_":                 func(c *plugin.Config) { c.WebhookURL = "https://hooks.example.com" },
		"the webhook: want an absolute address":     func(c *plugin.Config) { c.WebhookSecret = "whsec_" },
		"the sender of mails: want the object id":   func(c *plugin.Config) { c.MailFrom = "it at contoso" },
		"nor the deadline shorter":                  func(c *plugin.Config) { c.DeviceDeadline = time.Second },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			config := plugin.Config{Credential: token("any")}
			change(&config)
			_, err := plugin.New(config)
			assert.ErrorContains(t, err, want)
			assert.ErrorContains(t, err, "offboarding: ")
			_, err = plugin.NewPlugin(config)
			assert.ErrorContains(t, err, want)
		})
	}
}

func TestACredentialAloneIsEnough(t *testing.T) {
	t.Parallel()
	for _, cloud := range []string{"", "global", "usgov-l4", "usgov-l5", "china"} {
		_, err := plugin.New(plugin.Config{Credential: token("any"), Cloud: cloud})
		assert.NoError(t, err, cloud)
	}
}
