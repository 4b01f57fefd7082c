package activities

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/leaver-dev/leaver/internal/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of docs/refusals.md")

// What a person reads about Graph's answers is what the code does.
func TestTheDocsShowTheTableOfRefusals(t *testing.T) {
	const path, begin, end = "../docs/refusals.md", "<!-- rules -->\n", "<!-- end of rules -->"
	table := "| Graph answers | it is tried again | then it is |\n|---|---|---|\n"
	for _, r := range rules {
		table += fmt.Sprintf("| %s | %s | `%s` |\n", r.answer, r.again, r.is)
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	shown, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+begin+table+end+after), 0o644))
		return
	}
	assert.Equal(t, table, shown, "run this test with -update, and review the change")
}

// What Graph says is told in words of ours; what is not known is left out.
func TestAReasonIsToldInOurWords(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]struct {
		ours   string
		passes bool
	}{
		"Insufficient privileges to complete the operation.":                                               {"the worker lacks a permission or a role", false},
		"The caller is NOT AUTHORIZED TO do this":                                                          {"the worker lacks a permission or a role", false},
		"User does not have a corresponding license.":                                                      {"a licence is missing or does not fit", false},
		"User license is inherited from a group membership and it cannot be removed directly.":             {"it comes from a group, and can be changed there only", false},
		"Unable to update the specified properties for on-premises mastered Directory Sync objects":        {"it comes from Active Directory on the premises, and can be changed there only", false},
		"The target is in a restricted management administrative unit.":                                    {"a policy or a restricted administrative unit forbids it", false},
		"Property 'accountEnabled' of Adele Vance is read-only and cannot be set.":                         {"a property does not exist or can only be read", false},
		"Retire is not supported for CONTOSO-LT-0410.":                                                     {"this is not supported for what it was asked of, such as this kind of device", false},
		"Resource not found for the segment 'removeAllDevicesFromManagement'.":                             {"Graph has no such call here", false},
		"The approval code is not valid for this request.":                                                 {"an approval is missing or does not fit", false},
		"Header 'x-msft-approval-justification' must be base64 of at most 1024 characters.":                {"reason and ticket are too long for Intune's Multi Admin Approval: start anew with shorter ones, or skip the step", false},
		"Invalid value for adele@contoso.com.":                                                             {"a value is missing or not valid", false},
		"The device cannot be wiped.":                                                                      {"this cannot be done as things stand", false},
		"Update is conflicting with another one. Please wait briefly and retry.":                           {"another change is under way", true},
		"Another operation is in progress.":                                                                {"another change is under way", true},
		"Call Adele Vance at +1 425 555 0100.":                                                             {"", true},
		"An error has occurred":                                                                            {"", true},
		"The liken\u017fe of \u212aim":                                                                     {"", true},
		"The primary user Adele Vance of CONTOSO-LT-0410 is blocked. See https://fef.example.com/u/adele.": {"", true},
	} {
		answer, err := json.Marshal(map[string]any{"error": map[string]string{"code": "BadRequest", "message": words}})
		require.NoError(t, err)
		e := refusedWith(t, string(answer))
		r := reasonOf(e)
		assert.Equal(t, want.ours, r.ours, words)
		assert.Equal(t, want.passes, r.passes, words)
		assert.Equal(t, want.passes, !namesReason(e), words)
	}
}

// Only what demands a justification does: a text that merely names the header may be about one that was sent.
func TestOnlyADemandForAnApprovalIsTakenForOne(t *testing.T) {
	t.Parallel()
	const header = "x-msft-approval-justification"
	for words, want := range map[string]bool{
		"Header '" + header + "' is required to request approval.":               true,
		"Header '" + header + "' is required":                                    true,
		"The header " + header + " was not provided.":                            true,
		"Missing required header: " + header:                                     true,
		"The request must include the header " + header + ".":                    true,
		"The header '" + header + "' must be provided.":                          true,
		"Header '" + header + "' must be base64 of at most 1024 characters.":     false,
		"The value of header '" + header + "' is too long.":                      false,
		"The maximum length of the required header " + header + " was exceeded.": false,
		"Header '" + header + "' is required to have at most 1024 characters.":   false,
		"Header '" + header + "' was ignored.":                                   false,
		"An approval is required.":                                               false,
	} {
		answer, err := json.Marshal(map[string]any{"error": map[string]string{"code": "BadRequest", "message": words}})
		require.NoError(t, err)
		assert.Equal(t, want, wantsApproval(refusedWith(t, string(answer))), words)
	}
}

// refusedWith is the error of a call that Graph refuses with a body.
func refusedWith(t *testing.T, body string) *graph.Error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	client, err := graph.New(graph.Options{URL: server.URL, Credential: anyToken{}})
	require.NoError(t, err)
	_, err = client.RetireDevice(t.Context(), "d1", graph.Approval{})
	var e *graph.Error
	require.ErrorAs(t, err, &e)
	return e
}

type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}
