package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// memory answers every request at once.
func memory(status int, body string) transport {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

const benchURL = "https://graph.microsoft.com"

func ours(tb testing.TB, answers transport) *Client {
	tb.Helper()
	client, err := New(Options{URL: benchURL, Credential: staticCredential(secret), Transport: answers})
	require.NoError(tb, err)
	return client
}

// bare is what azcore takes by itself: a token, one attempt, and no more.
func bare(answers transport) func(ctx context.Context, method, address string) (*http.Response, error) {
	pipeline := runtime.NewPipeline("bare", "v0", runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(staticCredential(secret), []string{benchURL + "/.default"}, nil)},
	}, &policy.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}, Transport: answers})
	return func(ctx context.Context, method, address string) (*http.Response, error) {
		request, err := runtime.NewRequest(ctx, method, address)
		if err != nil {
			return nil, err
		}
		return pipeline.Do(request)
	}
}

func fiveDevices() string {
	devices := make([]string, 5)
	for i := range devices {
		devices[i] = strings.Replace(laptop, "d1", fmt.Sprint("d", i), 1)
	}
	return `{"value":[` + strings.Join(devices, ",") + `]}`
}

// pair is one call, by this client and by a bare pipeline.
type pair struct{ ours, bare func() error }

func removal(tb testing.TB) pair {
	answers := memory(http.StatusNoContent, "")
	client, send := ours(tb, answers), bare(answers)
	return pair{
		ours: func() error {
			return failureOf(client.RemoveAllDevicesFromManagement(tb.Context(), userID, Approval{}))
		},
		bare: func() error {
			_, err := send(tb.Context(), http.MethodPost, benchURL+"/v1.0/users/"+userID+"/removeAllDevicesFromManagement")
			return err
		},
	}
}

func listing(tb testing.TB) pair {
	answers := memory(http.StatusOK, fiveDevices())
	client, send := ours(tb, answers), bare(answers)
	return pair{
		ours: func() error {
			devices, err := client.ManagedDevices(tb.Context(), userID)
			if err == nil && len(devices) != 5 {
				return fmt.Errorf("%d devices", len(devices))
			}
			return err
		},
		bare: func() error {
			response, err := send(tb.Context(), http.MethodGet, benchURL+"/v1.0/users/"+userID+"/managedDevices?$select="+deviceFields)
			if err != nil {
				return err
			}
			body, err := runtime.Payload(response)
			if err != nil {
				return err
			}
			var page struct{ Value []ManagedDevice }
			return json.Unmarshal(body, &page)
		},
	}
}

func BenchmarkRemoveAllDevices(b *testing.B) { sideBySide(b, removal(b)) }

func BenchmarkListFiveDevices(b *testing.B) { sideBySide(b, listing(b)) }

// sideBySide takes turns, so that a busy machine slows both down alike.
func sideBySide(b *testing.B, p pair) {
	var ours, bare time.Duration
	for b.Loop() {
		begin := time.Now()
		require.NoError(b, p.ours())
		middle := time.Now()
		require.NoError(b, p.bare())
		ours, bare = ours+middle.Sub(begin), bare+time.Since(middle)
	}
	b.ReportMetric(float64(ours)/float64(b.N), "ours-ns/op")
	b.ReportMetric(float64(bare)/float64(b.N), "bare-ns/op")
	b.ReportMetric(float64(ours)/float64(bare), "ours/bare")
	b.ReportMetric(allocations(b, p.ours), "ours-allocs/op")
	b.ReportMetric(allocations(b, p.bare), "bare-allocs/op")
}

func allocations(tb testing.TB, do func() error) float64 {
	return testing.AllocsPerRun(100, func() { require.NoError(tb, do()) })
}

func TestACallAllocatesLittleMoreThanABarePipeline(t *testing.T) {
	for name, p := range map[string]pair{"removeAllDevices": removal(t), "list five devices": listing(t)} {
		ours, bare := allocations(t, p.ours), allocations(t, p.bare)
		assert.LessOrEqual(t, ours, bare+20, name)
	}
}
