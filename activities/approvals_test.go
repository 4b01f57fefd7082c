package activities_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAWriteThatIsQueuedIsDoneWithItsCodeOnceApproved(t *testing.T) {
	t.Parallel()
	for _, action := range append(onItsOwn, leaver.RemoveAll) {
		for _, status := range []int{400, 403, 412, 500, 503, 202, 200} {
			s := set(t, withDevices(atOnce, never))
			s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true, ApprovalStatus: status})
			request := s.decided(action)
			outcome := s.asks(t, 1, request)
			require.Len(t, s.Approvals(), 1)
			assert.Equal(t, devices.Outcome{Answer: devices.Queued, Code: s.Approvals()[0].Code}, outcome, "%s %d", action, status)
			assert.Equal(t, reason, s.Approvals()[0].Justification)
			assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)

			// A worker that died before it told the code cannot learn it.
			assert.Equal(t, leaver.ApprovalRequired, s.asks(t, 2, request).Failure)

			request.Code = outcome.Code
			refused := s.asks(t, 1, request)
			assert.Equal(t, devices.Refused, refused.Answer, "it came too early, or was rejected")
			assert.Equal(t, leaver.GraphBadRequest, refused.Failure)
			s.Decide(outcome.Code, "approved")
			assert.Equal(t, devices.Accepted, s.asks(t, 1, request).Answer)
			assert.Equal(t, "completed", s.Approvals()[0].Status)
			assert.Len(t, s.Approvals(), 1, "nothing is filed twice")
		}
	}
}

func TestAnApprovedWriteWhoseAnswerIsLostIsNotFiledAgain(t *testing.T) {
	t.Parallel()
	for _, action := range append(onItsOwn, leaver.RemoveAll) {
		s := set(t, withDevices(never, never))
		s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
		request := s.decided(action)
		request.Code = s.asks(t, 1, request).Code
		s.Decide(request.Code, "approved")
		s.spoil(action, graphsim.Fault{Cut: true})
		_, err := s.tries(t, 1, request)
		waiting(t, s, err, leaver.GraphUnavailable)
		assert.Equal(t, devices.Unknown, s.asks(t, 2, request).Answer)
		assert.Len(t, s.Approvals(), 1)
		assert.Len(t, s.writes(), 2)
	}
}

// Intune may still ask for an approval that it lists as given. Where a person has told
// that it is given, that may have been too early.
func TestACodeThatComesBackIsTriedAgainUnlessAPersonToldOfIt(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{false, true} {
		s := behind(t, withDevices(never), http.MethodPost, "", func(_ *stage, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("x-msft-approval-code", r.Header.Get("x-msft-approval-code"))
			w.WriteHeader(http.StatusForbidden)
		})
		for _, action := range []leaver.DeviceAction{leaver.Retire, leaver.Wipe, leaver.RemoveAll} {
			request := s.decided(action)
			request.Code, request.Told = "code", told
			outcome, err := s.tries(t, 1, request)
			if !told {
				assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "does not take the approval yet")
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, devices.Outcome{Answer: devices.Queued, Code: "code"}, outcome)
		}
	}
}

func TestTheSecondAdministratorIsToldWhy(t *testing.T) {
	t.Parallel()
	longest := "ä „" + strings.Repeat("ß", 1020) + "“"
	for given, told := range map[string]string{reason: reason, longest: longest, "": "Offboarding of a leaver"} {
		s := set(t, withDevices(never))
		s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
		for _, action := range append(onItsOwn, leaver.RemoveAll) {
			request := s.decided(action)
			request.Reason = given
			if s.asks(t, 1, request).Answer == devices.Queued {
				all := s.Approvals()
				assert.Equal(t, told, all[len(all)-1].Justification)
			}
		}
		assert.Len(t, s.Approvals(), 5)
	}
}

// awaitsApproval is Adele with a device whose wipe a second administrator is to approve,
// and a look that waits.
func awaitsApproval(t *testing.T, known leaver.ApprovalStatus) (*stage, devices.LookRequest) {
	t.Helper()
	s := set(t, withDevices(never))
	s.Configure(graphsim.Settings{MultiAdminApproval: true})
	outcome := s.asks(t, 1, s.decided(leaver.Wipe))
	require.Equal(t, devices.Queued, outcome.Answer)
	request := watching(attempt{}.sees(t, s, devices.LookRequest{}))
	request.Approvals = map[string]leaver.ApprovalStatus{outcome.Code: known}
	return s, request
}

// A request for approval of a wipe is known to wait, and something is decided about it.
func TestALookTellsWhatHasBecomeOfRequestsForApproval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		known  leaver.ApprovalStatus
		status string
		want   leaver.ApprovalStatus
	}{
		{leaver.ApprovalNeeded, "approved", leaver.ApprovalApproved},
		{leaver.ApprovalNeeded, "rejected", leaver.ApprovalRejected},
		{leaver.ApprovalNeeded, "cancelled", leaver.ApprovalCancelled},
		{leaver.ApprovalNeeded, "completed", leaver.ApprovalCompleted},
		{leaver.ApprovalNeeded, "expired", leaver.ApprovalExpired},
		{leaver.ApprovalApproved, "needsApproval", leaver.ApprovalNeeded}, // it was told too early
		{leaver.ApprovalApproved, "completed", leaver.ApprovalCompleted},
		{leaver.ApprovalNeeded, "needsApproval", ""},
		{leaver.ApprovalApproved, "approved", ""},
		{leaver.ApprovalNeeded, "unknown", ""},
		{leaver.ApprovalNeeded, "unknownFutureValue", ""},
	} {
		t.Run(fmt.Sprint(c.known, " ", c.status), func(t *testing.T) {
			t.Parallel()
			s, request := awaitsApproval(t, c.known)
			code := s.Approvals()[0].Code
			require.True(t, s.Decide(code, c.status))
			sight, err := attempt{number: 2}.looks(t, s, request)
			if c.want == "" {
				assertNothingDiffers(t, s, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, devices.Sight{Approvals: map[string]leaver.ApprovalStatus{code: c.want}}, sight)
		})
	}
}

// Microsoft's page of Multi Admin Approval calls the code requestId.
func TestARequestForApprovalIsFoundByEitherOfItsIDs(t *testing.T) {
	t.Parallel()
	s := behind(t, withDevices(), http.MethodGet, "/operationApprovalRequests", func(_ *stage, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"value":[{"id":"1","requestId":"code","status":"approved"},{"id":"2","requestId":"other","status":"rejected"}]}`))
	})
	request := devices.LookRequest{Approvals: map[string]leaver.ApprovalStatus{"code": leaver.ApprovalNeeded}}
	assert.Equal(t, map[string]leaver.ApprovalStatus{"code": leaver.ApprovalApproved}, attempt{}.sees(t, s, request).Approvals)
}

func TestAWorkerThatMayNotReadApprovalsSaysSoOnce(t *testing.T) {
	t.Parallel()
	s, request := awaitsApproval(t, leaver.ApprovalNeeded)
	refused := graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"}
	s.Fail(refused)
	sight := attempt{number: 2}.sees(t, s, request)
	assert.Contains(t, sight.ApprovalsUnread, "tell it with answer and approved: grant the permission DeviceManagementConfiguration.Read.All")
	assertNameless(t, s, sight.ApprovalsUnread)
	assert.Empty(t, sight.Approvals)

	request.ApprovalsUnread = sight.ApprovalsUnread
	_, err := attempt{number: 2}.looks(t, s, request)
	assertNothingDiffers(t, s, err) // though each answer has an id of its own

	s.Heal()
	s.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Status: 503})
	_, err = attempt{number: 3}.looks(t, s, request)
	assertNothingDiffers(t, s, err) // it is not known whether they can be read by now

	assert.Empty(t, attempt{number: 4}.sees(t, s, request), "they can be read again")
}

func TestRequestsThatCannotBeReadForAMomentHoldUpNoDevice(t *testing.T) {
	t.Parallel()
	s, request := awaitsApproval(t, leaver.ApprovalNeeded)
	s.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 503})
	_, err := attempt{number: 2}.looks(t, s, request)
	assertNothingDiffers(t, s, err)
	s.Enroll(adele, phone)
	assert.Len(t, attempt{number: 3}.sees(t, s, request).Listed, 1)

	request.Wait = false
	_, err = attempt{}.looks(t, s, request)
	waiting(t, s, err, leaver.GraphUnavailable)
	assert.Len(t, aWhile.sees(t, s, request).Listed, 1)
}
