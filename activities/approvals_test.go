package activities_test

import (
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
	for _, action := range everyAction {
		for _, status := range []int{400, 403, 412, 500, 503, 202, 200} {
			s := set(t, withDevices(atOnce, never))
			s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true, ApprovalStatus: status})
			request := s.decided(action)
			outcome := s.asks(t, 1, request)
			filed := s.Approvals()[0]
			assert.Equal(t, devices.Outcome{Answer: devices.Queued, Code: filed.Code}, outcome, "%s %d", action, status)
			assert.Equal(t, reason, filed.Justification)
			assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)

			// A worker that died before it told the code cannot learn it.
			assert.Equal(t, leaver.ApprovalRequired, s.asks(t, 2, request).Failure)

			request.Code = outcome.Code
			refused := s.asks(t, 1, request)
			refused.Why = ""
			assert.Equal(t, devices.Outcome{Answer: devices.Refused, Failure: leaver.GraphBadRequest}, refused, "it came too early, or was rejected")
			s.Decide(request.Code, "approved")
			assert.Equal(t, devices.Outcome{Answer: devices.Accepted}, s.asks(t, 1, request))
			assert.Equal(t, "completed", s.Approvals()[0].Status)
			assert.Len(t, s.Approvals(), 1, "nothing is filed twice")
		}
	}
}

func TestAnApprovedWriteWhoseAnswerIsLostIsNotFiledAgain(t *testing.T) {
	t.Parallel()
	for _, action := range everyAction {
		s := set(t, withDevices(never, never))
		s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true})
		request := s.decided(action)
		request.Code = s.asks(t, 1, request).Code
		s.Decide(request.Code, "approved")
		s.spoil(action, graphsim.Fault{Cut: true})
		waiting(t, s, errorOf(s.tries(t, 1, request)), leaver.GraphUnavailable)
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
		s := set(t, withDevices(never))
		s.front.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
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
		for _, action := range everyAction {
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
	for known, decided := range map[leaver.ApprovalStatus]map[string]leaver.ApprovalStatus{
		leaver.ApprovalNeeded: {"approved": leaver.ApprovalApproved, "rejected": leaver.ApprovalRejected, "cancelled": leaver.ApprovalCancelled,
			"completed": leaver.ApprovalCompleted, "expired": leaver.ApprovalExpired, "needsApproval": "", "unknown": "", "unknownFutureValue": ""},
		// It was told too early where it still needs one.
		leaver.ApprovalApproved: {"needsApproval": leaver.ApprovalNeeded, "completed": leaver.ApprovalCompleted, "approved": ""},
	} {
		for status, want := range decided {
			s, request := awaitsApproval(t, known)
			code := s.Approvals()[0].Code
			require.True(t, s.Decide(code, status), status)
			if want == "" {
				attempt{number: 2}.seesNothing(t, s, request)
				continue
			}
			assert.Equal(t, devices.Sight{Approvals: map[string]leaver.ApprovalStatus{code: want}}, attempt{number: 2}.sees(t, s, request), status)
		}
	}
}

// Microsoft's page of Multi Admin Approval calls the code requestId.
func TestARequestForApprovalIsFoundByEitherOfItsIDs(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices())
	s.front.HandleFunc("GET "+graphsim.GraphPath+"/beta/deviceManagement/operationApprovalRequests",
		says(`{"value":[{"id":"1","requestId":"code","status":"approved"},{"id":"2","requestId":"other","status":"rejected"}]}`))
	request := devices.LookRequest{Approvals: map[string]leaver.ApprovalStatus{"code": leaver.ApprovalNeeded}}
	assert.Equal(t, map[string]leaver.ApprovalStatus{"code": leaver.ApprovalApproved}, attempt{}.sees(t, s, request).Approvals)
}

func TestAWorkerThatMayNotReadApprovalsSaysSoOnce(t *testing.T) {
	t.Parallel()
	s, request := awaitsApproval(t, leaver.ApprovalNeeded)
	s.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Times: -1, Status: 403, Code: "Forbidden"})
	sight := attempt{number: 2}.sees(t, s, request)
	assert.Contains(t, sight.ApprovalsUnread, "tell it with answer and approved: grant the permission DeviceManagementConfiguration.Read.All")
	assertNameless(t, s, sight.ApprovalsUnread)
	assert.Empty(t, sight.Approvals)

	request.ApprovalsUnread = sight.ApprovalsUnread
	attempt{number: 2}.seesNothing(t, s, request) // though each answer has an id of its own

	s.Heal()
	s.Fail(graphsim.Fault{Path: "/operationApprovalRequests", Status: 503})
	attempt{number: 3}.seesNothing(t, s, request) // it is not known whether they can be read by now
	assert.Empty(t, attempt{number: 4}.sees(t, s, request), "they can be read again")
}

// A look that waits tells at once what it has seen.
func TestWhatCannotBeReadForAMomentHoldsUpNoDevice(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/operationApprovalRequests", "/recoveryKeys"} {
		s, request := awaitsApproval(t, leaver.ApprovalNeeded)
		request.Known[0].NeedsKey = path == "/recoveryKeys"
		s.Fail(graphsim.Fault{Path: path, Times: -1, Status: 503})
		attempt{number: 2}.seesNothing(t, s, request)
		s.Enroll(adele, phone)
		told := attempt{number: 3}.sees(t, s, request).Listed
		require.Len(t, told, 1)
		assert.Equal(t, phone.Name, told[0].Name)

		request.Wait = false
		waiting(t, s, errorOf(attempt{}.looks(t, s, request)), leaver.GraphUnavailable)
		assert.Equal(t, told, aWhile.sees(t, s, request).Listed)
	}
}

// What other services keep of a device is changed with the code of its request, once that is
// approved, also where the answer is lost.
func TestAnItemIsChangedOnceItIsApproved(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	item := openItem(t, s, autopilot, request)
	s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForRest: true})
	item = autopilot.changed(t, s, 1, request, item)
	require.True(t, item.AwaitsApproval())
	assert.Equal(t, s.Approvals()[0].Code, item.Approval.Code)
	waiting(t, s, errorOf(autopilot.changes(t, s, 1, request, item)), leaver.GraphUnavailable)
	assert.Len(t, s.writes(), 1, "nothing is asked before it is approved")

	s.Decide(item.Approval.Code, "approved")
	s.Fail(graphsim.Fault{Method: "DELETE", Path: item.ID, Cut: true, Times: 1})
	waiting(t, s, errorOf(autopilot.changes(t, s, 1, request, item)), leaver.GraphUnavailable)
	assert.Equal(t, leaver.Done, autopilot.changed(t, s, 2, request, item).Outcome)
	assert.Empty(t, s.Users()[adele].Autopilot)
	assert.Len(t, s.Approvals(), 1)
	assert.Len(t, s.writes(), 2)
}

// An item that is gone before its request is approved was not changed by it.
func TestAnItemThatIsGoneBeforeItIsApprovedUsesNoApproval(t *testing.T) {
	t.Parallel()
	for _, step := range []each{autopilot, appData} {
		s, request := departed(t, laptop)
		item := openItem(t, s, step, request)
		s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForRest: true})
		item = step.changed(t, s, 1, request, item)
		require.True(t, item.AwaitsApproval())
		s.change(func(u *graphsim.User) { u.Autopilot, u.AppRegistrations = nil, nil })
		ended := step.changed(t, s, 1, request, item)
		assert.Equal(t, leaver.Done, ended.Outcome)
		require.NotNil(t, ended.Approval)
		assert.Equal(t, leaver.ApprovalNeeded, ended.Approval.Status)
	}
}

// Over days of waiting for an administrator Graph refuses now and then what it takes the next time: only refusals in a row
// count.
func TestARefusalNowAndThenDoesNotEndAWaitForApproval(t *testing.T) {
	t.Parallel()
	s, request := departed(t, laptop)
	item := openItem(t, s, autopilot, request)
	s.Configure(graphsim.Settings{MultiAdminApproval: true, ApprovalForRest: true})
	item = autopilot.changed(t, s, 1, request, item)
	told := -1
	attempt := attempt{number: 9, refused: 4, heard: func(times int) { told = times }}
	waiting(t, s, attempt.run(t, s, autopilot.change, leaver.ItemRequest{UserID: request.UserID, Item: item}, &leaver.Item{}), leaver.GraphUnavailable)
	assert.Zero(t, told)
}
