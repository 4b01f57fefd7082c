package activities_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever names and numbers stand in Graph's refusals, none stands in what an activity tells.
func TestNoWordOfGraphsStandsInWhatAnActivityTells(t *testing.T) {
	t.Parallel()
	const beta, v1 = graphsim.GraphPath + "/beta", graphsim.GraphPath + "/v1.0"
	everywhere := strings.NewReplacer("MARK", "Zaphod Beeblebrox at zaphod@example.org or +1 425 555 0199").Replace
	sentences := []string{"MARK", "Insufficient privileges of MARK.", "The licence of MARK is missing.", "Header 'x-msft-approval-justification' is required of MARK.",
		"Header 'x-msft-approval-justification' of MARK is too long.", "The daily limit of MARK is exceeded.", "An approval of MARK is pending.", "MARK is restricted by a policy.",
		"MARK is not supported.", "Please retry, MARK.", "Request of MARK not applicable to target tenant.", "Resource not found for the segment 'MARK'."}
	table(t, map[string][]string{
		"users":     {"GET " + v1 + "/users/{id}", leaver.ActivityPlanOffboarding, leaver.ActivityDisableAccount},
		"an update": {"PATCH " + v1 + "/users/{id}", leaver.ActivityDisableAccount, leaver.ActivityResetPassword},
		"deletion":  {"DELETE " + v1 + "/users/{id}", leaver.ActivityDeleteUser},
		"methods":   {"GET " + v1 + "/users/{id}/authentication/methods", leaver.ActivityListAuthenticationMethods},
		"reports":   {"GET " + v1 + "/users/{id}/directReports", leaver.ActivityListDirectReports},
		"sponsored": {"GET " + v1 + "/users/{id}/sponsorOf", leaver.ActivityListSponsorships},
		"sessions":  {"POST " + v1 + "/users/{id}/revokeSignInSessions", leaver.ActivityRevokeSessions},
		"devices":   {"GET " + v1 + "/users/{id}/managedDevices", leaver.ActivityPlanOffboarding, leaver.ActivityLookAtDevices, leaver.ActivityRemoveAllDevices},
		"a device":  {"GET " + v1 + "/deviceManagement/managedDevices/{id}", leaver.ActivityLookAtDevices, leaver.ActivityRetireDevice},
		"a key":     {"GET " + v1 + "/informationProtection/", leaver.ActivityLookAtDevices, leaver.ActivityPlanOffboarding},
		"approvals": {"GET " + beta + "/deviceManagement/operationApprovalRequests", leaver.ActivityLookAtDevices},
		"removal":   {"POST " + v1 + "/users/{id}/removeAllDevicesFromManagement", leaver.ActivityRemoveAllDevices},
		"retire":    {"POST " + v1 + "/deviceManagement/managedDevices/{id}/retire", leaver.ActivityRetireDevice},
		"apps":      {"GET " + v1 + "/users/{id}/managedAppRegistrations", leaver.ActivityListManagedAppRegistrations},
	}, func(t *testing.T, c []string) {
		s := set(t, withDevices(never, never))
		var status int
		var sentence string
		s.front.HandleFunc(c[0], func(w http.ResponseWriter, _ *http.Request) {
			text, _ := json.Marshal(everywhere(sentence))
			marked, _ := json.Marshal(everywhere("MARK"))
			for _, header := range []string{"request-id", "client-request-id", "Retry-After", "x-ms-ags-diagnostic"} {
				w.Header().Set(header, everywhere("MARK"))
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(strings.NewReplacer("TEXT", string(text), "MARKED", string(marked)).Replace(
				`{"error":{"code":MARKED,"message":TEXT,"target":MARKED,"details":[{"code":MARKED,"message":TEXT}],"innerError":{"code":MARKED,"message":TEXT,"request-id":MARKED}}}`)))
		})
		inputs := map[string]any{
			leaver.ActivityLookAtDevices: devices.LookRequest{UserID: s.id(adele), Keys: true, Approvals: map[string]leaver.ApprovalStatus{"c": leaver.ApprovalNeeded},
				Known: []devices.Known{{ID: "d9", State: everywhere("MARK")}}},
			leaver.ActivityRetireDevice: s.decided(leaver.Retire),
		}
		for _, status = range []int{200, 400, 401, 403, 404, 405, 409, 412, 423, 429, 500} {
			for _, sentence = range sentences {
				for _, name := range c[1:] {
					input, ok := inputs[name]
					if !ok {
						input = leaver.StepRequest{UserID: s.id(adele)}
					}
					result, err := last[any](t, s, name, input)
					told, bad := json.Marshal(result)
					require.NoError(t, bad)
					if err != nil {
						told = append(told, err.Error()...)
					}
					for _, word := range []string{"zaphod", "beeblebrox", "example.org", "555 0199"} {
						assert.NotContains(t, strings.ToLower(string(told)), word, "%s %d %s", name, status, sentence)
					}
				}
			}
		}
	})
}

// A state is counted in the message of a look that waits, and only where it is one.
func TestALookThatWaitsRepeatsNoStateThatIsNone(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	request := devices.LookRequest{UserID: s.id(adele), Wait: true, Known: []devices.Known{{ID: "a", State: "retirePending"}, {ID: "b", State: "of Adele Vance"}, {ID: "c"}}}
	_, err := call[devices.Sight](t, s, 1, leaver.ActivityLookAtDevices, request)
	assert.Contains(t, waiting(t, s, err, leaver.DevicesRemain).Message(), "3 devices still managed (retirePending 1, unknown 2)")
}
