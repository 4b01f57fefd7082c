// Package compose_test reads docker-compose.yml and the Dockerfile as Compose
// does, without an engine.
//
// Run it with -count=1: Go's test cache does not look at files outside of the
// module, and so would not see them change.
package compose_test

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// filled is an environment with what .env.example asks for.
var filled = []string{
	"POSTGRES_PASSWORD=the-database-password",
	"AZURE_TENANT_ID=the-tenant",
	"AZURE_CLIENT_ID=the-client",
}

// load reads the project in the order of the compose command: the shell first,
// then the env file, then its profiles.
func load(t *testing.T, shell []string, envFiles ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithEnv(shell),
		func(o *cli.ProjectOptions) error { o.EnvFiles = envFiles; return nil },
		cli.WithDotEnv,
		cli.WithDefaultProfiles(),
	)
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

func actual(t *testing.T) *types.Project {
	t.Helper()
	project, err := load(t, filled)
	require.NoError(t, err)
	return project
}

func simulated(t *testing.T) *types.Project {
	t.Helper()
	project, err := load(t, nil, filepath.Join(root, "simulated.env"))
	require.NoError(t, err)
	return project
}

func both(t *testing.T, test func(*testing.T, *types.Project)) {
	t.Run("actual", func(t *testing.T) { test(t, actual(t)) })
	t.Run("simulated", func(t *testing.T) { test(t, simulated(t)) })
}

// environment is what a container gets: a variable without a value is not set.
func environment(s types.ServiceConfig) map[string]string {
	set := map[string]string{}
	for name, value := range s.Environment {
		if value != nil {
			set[name] = *value
		}
	}
	return set
}

func TestEachImageIsOneThatWasChosen(t *testing.T) {
	chosen := map[string]string{
		"postgresql": "postgres:18-alpine",
		"schema":     "temporalio/admin-tools:1.32.0",
		"temporal":   "temporalio/server:1.32.0",
		"namespace":  "temporalio/admin-tools:1.32.0",
		"ui":         "temporalio/ui:2.54.1",
		"worker":     "leaver:local",
	}
	images := func(p *types.Project) map[string]string {
		found := map[string]string{}
		for name, service := range p.Services {
			found[name] = service.Image
		}
		return found
	}
	assert.Equal(t, chosen, images(actual(t)))
	chosen["tenant"] = "leaver:local"
	assert.Equal(t, chosen, images(simulated(t)))
}

func TestOneServiceBuildsTheImageAndNonePullsIt(t *testing.T) {
	services := simulated(t).Services
	require.NotNil(t, services["worker"].Build)
	assert.Equal(t, "Dockerfile", services["worker"].Build.Dockerfile)
	assert.Nil(t, services["tenant"].Build)
	assert.Equal(t, types.PullPolicyNever, services["tenant"].PullPolicy)
}

func TestEachServiceWaitsForTheOneBeforeIt(t *testing.T) {
	both(t, func(t *testing.T, p *types.Project) {
		for _, wait := range []struct{ service, needs, condition string }{
			{"schema", "postgresql", types.ServiceConditionHealthy},
			{"temporal", "schema", types.ServiceConditionCompletedSuccessfully},
			{"namespace", "temporal", types.ServiceConditionHealthy},
			{"ui", "temporal", types.ServiceConditionHealthy},
			{"worker", "namespace", types.ServiceConditionCompletedSuccessfully},
		} {
			needs := p.Services[wait.service].DependsOn
			require.Len(t, needs, 1, wait.service)
			assert.Equal(t, wait.condition, needs[wait.needs].Condition, "%s needs %s", wait.service, wait.needs)
			assert.True(t, needs[wait.needs].Required, "%s needs %s", wait.service, wait.needs)
		}
	})
}

func TestWhatStaysUpIsCheckedAndRestartedAndAJobIsTriedAgain(t *testing.T) {
	both(t, func(t *testing.T, p *types.Project) {
		for name, service := range p.Services {
			switch name {
			case "schema", "namespace":
				assert.Equal(t, "on-failure:5", service.Restart, name)
			case "tenant": // Its image has nothing to check it with, and nothing waits for it.
				assert.Equal(t, types.RestartPolicyUnlessStopped, service.Restart, name)
			default:
				assert.Equal(t, types.RestartPolicyUnlessStopped, service.Restart, name)
				require.NotNil(t, service.HealthCheck, name)
				assert.Equal(t, "CMD", service.HealthCheck.Test[0], name)
				for _, limit := range []*types.Duration{service.HealthCheck.Interval, service.HealthCheck.Timeout, service.HealthCheck.StartPeriod} {
					assert.NotNil(t, limit, name)
				}
			}
		}
	})
}

func TestTheDatabaseOutlivesItsContainer(t *testing.T) {
	p := actual(t)
	require.Len(t, p.Services["postgresql"].Volumes, 1)
	volume := p.Services["postgresql"].Volumes[0]
	assert.Equal(t, types.VolumeTypeVolume, volume.Type)
	assert.Equal(t, "/var/lib/postgresql", volume.Target, "where the image has its data since 18")
	assert.Equal(t, "leaver_postgresql", p.Volumes[volume.Source].Name)
}

func TestNothingIsPublishedBeyondThisMachine(t *testing.T) {
	both(t, func(t *testing.T, p *types.Project) {
		published := map[string]string{}
		for name, service := range p.Services {
			assert.NotEqual(t, "host", service.NetworkMode, name)
			for _, port := range service.Ports {
				assert.True(t, net.ParseIP(port.HostIP).IsLoopback(), "%s publishes on %q", name, port.HostIP)
				published[port.Published] = name
			}
		}
		assert.Equal(t, map[string]string{"7233": "temporal", "8080": "ui"}, published)
	})
}

func TestWithoutAPasswordItSaysWhatToSet(t *testing.T) {
	for _, shell := range [][]string{nil, {"POSTGRES_PASSWORD="}} {
		_, err := load(t, shell)
		require.ErrorContains(t, err, "POSTGRES_PASSWORD")
		require.ErrorContains(t, err, "set it in .env, see .env.example")
	}
	_, err := load(t, nil, filepath.Join(root, ".env.example"))
	require.ErrorContains(t, err, "POSTGRES_PASSWORD", "the example has no password to forget to change")
}

func TestTheClientSecretIsAFileAndNothingElse(t *testing.T) {
	p, err := load(t, append([]string{"AZURE_CLIENT_SECRET=the-client-secret", "LEAVER_DEVICE_CLIENT_SECRET=the-client-secret"}, filled...))
	require.NoError(t, err)
	all, err := p.MarshalYAML()
	require.NoError(t, err)
	assert.NotContains(t, string(all), "the-client-secret")

	worker := p.Services["worker"]
	require.Len(t, worker.Secrets, 1)
	given := environment(worker)
	assert.Equal(t, given["AZURE_CLIENT_SECRET_FILE"], worker.Secrets[0].Target)
	assert.Equal(t, "client-secret", given["LEAVER_CREDENTIAL"])
	for name := range worker.Environment {
		if strings.Contains(name, "SECRET") || strings.Contains(name, "PASSWORD") {
			assert.True(t, strings.HasSuffix(name, "_FILE"), name)
		}
	}

	home, err := filepath.Abs(root)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(home, "secrets", "azure-client-secret"), p.Secrets[worker.Secrets[0].Source].File)
	p, err = load(t, append([]string{"AZURE_CLIENT_SECRET_FILE=/elsewhere/secret"}, filled...))
	require.NoError(t, err)
	assert.Equal(t, "/elsewhere/secret", p.Secrets[worker.Secrets[0].Source].File)
}

func TestTheDatabasePasswordGoesToThoseWhoNeedIt(t *testing.T) {
	for name, service := range actual(t).Services {
		var with []string
		for variable, value := range environment(service) {
			if value == "the-database-password" {
				with = append(with, variable)
			}
		}
		switch name {
		case "postgresql":
			assert.Equal(t, []string{"POSTGRES_PASSWORD"}, with)
		case "schema":
			assert.Equal(t, []string{"SQL_PASSWORD"}, with)
		case "temporal":
			assert.Equal(t, []string{"POSTGRES_PWD"}, with)
		default:
			assert.Empty(t, with, name)
		}
	}
}

func TestTheSimulatedTenantLivesOnTheWorkersLoopback(t *testing.T) {
	p := simulated(t)
	tenant, given := p.Services["tenant"], environment(p.Services["worker"])
	assert.Equal(t, "service:worker", tenant.NetworkMode)
	assert.Equal(t, types.ServiceDependency{Condition: types.ServiceConditionStarted, Restart: true, Required: true}, tenant.DependsOn["worker"])

	graph, err := url.Parse(given["LEAVER_GRAPH_URL"])
	require.NoError(t, err)
	assert.True(t, net.ParseIP(graph.Hostname()).IsLoopback())
	assert.Contains(t, []string(tenant.Command), "-address="+graph.Host)
	assert.Contains(t, []string(tenant.Command), "-token="+given["LEAVER_GRAPH_TOKEN"])
	assert.NotEmpty(t, given["LEAVER_GRAPH_TOKEN"])
	assert.Equal(t, "simulated", given["LEAVER_CREDENTIAL"])
	assert.FileExists(t, p.Secrets["azure-client-secret"].File, "Compose mounts no file that is not there")
}

func TestTheSimulatedTenantSharesNothingWithARealOne(t *testing.T) {
	simulated, actual := simulated(t), actual(t)
	assert.NotEqual(t, actual.Name, simulated.Name)
	assert.NotEqual(t, actual.Volumes["postgresql"].Name, simulated.Volumes["postgresql"].Name)
	for name := range environment(actual.Services["worker"]) {
		assert.NotContains(t, name, "GRAPH")
	}
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID"} {
		assert.NotContains(t, environment(simulated.Services["worker"]), name)
	}
}

func TestTheWorkerKnowsEveryVariableThatItIsGiven(t *testing.T) {
	known := workerVariables(t)
	both(t, func(t *testing.T, p *types.Project) {
		for name := range p.Services["worker"].Environment {
			if !strings.HasPrefix(name, "TEMPORAL_") {
				assert.Contains(t, known, name)
			}
		}
	})
}

func TestRunningStepsEndBeforeTheWorkerIsKilled(t *testing.T) {
	stop, err := time.ParseDuration(workerVariables(t)["LEAVER_STOP_TIMEOUT"])
	require.NoError(t, err)
	worker := actual(t).Services["worker"]
	assert.NotContains(t, worker.Environment, "LEAVER_STOP_TIMEOUT", "the grace period knows its default only")
	assert.Greater(t, time.Duration(*worker.StopGracePeriod), stop)
}

func TestTheExampleNamesEverySetting(t *testing.T) {
	file, example := read(t, "docker-compose.yml"), read(t, ".env.example")
	settings := names(`\$\{([A-Z_]+)`, file)
	settings = append(settings, names(`(?m)^      ([A-Z_]+):$`, file)...)
	// These two are for the simulated tenant.
	settings = slices.DeleteFunc(settings, func(name string) bool { return strings.HasPrefix(name, "LEAVER_GRAPH_") })
	slices.Sort(settings)
	shown := names(`(?m)^#?([A-Z_]+)=`, example)
	slices.Sort(shown)
	assert.Equal(t, slices.Compact(settings), shown)
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(content)
}

func names(pattern, text string) []string {
	var found []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}
