package activities_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/devices"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const reason = "Offboarding of a leaver (ticket INC-0042)"

// onItsOwn is what may be asked of one device.
var onItsOwn = []leaver.DeviceAction{leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord}

// of names the activity that makes a call, and the end of the call's path.
func of(action leaver.DeviceAction) (activity, path string) {
	switch action {
	case leaver.Retire:
		return leaver.ActivityRetireDevice, "/retire"
	case leaver.Wipe, leaver.WipeKeepUserData:
		return leaver.ActivityWipeDevice, "/wipe"
	case leaver.DeleteRecord:
		return leaver.ActivityDeleteDeviceRecord, ""
	}
	return leaver.ActivityRemoveAllDevices, "/removeAllDevicesFromManagement"
}

// method is that of the call.
func method(action leaver.DeviceAction) string {
	if action == leaver.DeleteRecord {
		return http.MethodDelete
	}
	return http.MethodPost
}

// spoil spoils the calls of an action.
func (s *stage) spoil(action leaver.DeviceAction, fault graphsim.Fault) {
	_, fault.Path = of(action)
	fault.Method = method(action)
	s.Fail(fault)
}

// decided is a write that was decided about Adele's devices as they are: about all of
// them, or the first.
func (s *stage) decided(action leaver.DeviceAction) devices.WriteRequest {
	request := devices.WriteRequest{UserID: s.id(adele), Reason: reason, Write: devices.Write{Action: action}}
	for i, d := range s.Users()[adele].Devices {
		if i == 0 || action == leaver.RemoveAll {
			request.IDs = append(request.IDs, d.ID)
			request.Judged = append(request.Judged, devices.Judged{OperatingSystem: d.OperatingSystem, OwnerType: d.OwnerType, State: d.State})
		}
	}
	return request
}

// tries makes an attempt of a write.
func (s *stage) tries(t *testing.T, number int32, request devices.WriteRequest) (devices.Outcome, error) {
	t.Helper()
	activity, _ := of(request.Action)
	outcome, err := call[devices.Outcome](t, s, number, activity, request)
	assertNameless(t, s, outcome.Why)
	return outcome, err
}

// asks makes an attempt of a write of which something came.
func (s *stage) asks(t *testing.T, number int32, request devices.WriteRequest) devices.Outcome {
	t.Helper()
	outcome, err := s.tries(t, number, request)
	require.NoError(t, err)
	return outcome
}

// What Graph answers, and what the device core is told, or Temporal. The messages name
// people on purpose; see assertNameless.
func TestWhatComesOfAWriteIsToldOrTriedAgain(t *testing.T) {
	t.Parallel()
	const (
		blocked    = "The primary user Adele Vance of CONTOSO-LT-0410 is blocked."
		spent      = "The daily limit for wipe actions has been exceeded for this tenant."
		unlicensed = `{"_version":3,"Message":"Request not applicable to target tenant. - Operation ID (for customer support): 0","ErrorCode":"BadRequest"}`
		forbidden  = `{"_version":3,"Message":"An error has occurred - Operation ID (for customer support): 0 - Url: https://fef.example.com/users/adele@contoso.com","ErrorCode":"Forbidden"}`
	)
	// A row says what comes of each device's own call, and of the one for all where that
	// differs. Without an answer the call fails, and is tried again after a while.
	type came struct {
		answer  devices.Answer
		failure leaver.FailureType
		after   time.Duration
		says    string
	}
	for name, c := range map[string]struct {
		fault    graphsim.Fault
		own, all came
	}{
		"409":                      {fault: graphsim.Fault{Status: 409, Code: "Conflict"}, own: came{devices.Refused, leaver.ApprovalRequired, 0, "pending in Intune already"}},
		"no justification":         {fault: graphsim.Fault{Status: 400, Message: "Header 'x-msft-approval-justification' is required"}, own: came{devices.Refused, leaver.ApprovalRequired, 0, "Multi Admin Approval"}},
		"a used-up day":            {fault: graphsim.Fault{Status: 429, Message: spent, RetryAfter: "7200"}, own: came{answer: devices.Spent, after: 2 * time.Hour}},
		"a used-up day, as 400":    {fault: graphsim.Fault{Status: 400, Message: spent, RetryAfter: "7200"}, own: came{answer: devices.Spent, after: 2 * time.Hour}},
		"400":                      {fault: graphsim.Fault{Status: 400, Code: "BadRequest", Message: blocked}, own: came{devices.Refused, leaver.GraphBadRequest, 0, "is blocked"}},
		"400 without a licence":    {fault: graphsim.Fault{Status: 400, Code: "BadRequest", Message: unlicensed}, own: came{devices.Refused, leaver.IntuneNotLicensed, 0, "no active Intune licence"}},
		"401":                      {fault: graphsim.Fault{Status: 401, Code: "InvalidAuthenticationToken"}, own: came{devices.Refused, leaver.GraphUnauthorized, 0, "refuses the token"}},
		"401 that is a 403":        {fault: graphsim.Fault{Status: 401, Code: "UnknownError", Message: forbidden}, own: came{devices.Refused, leaver.GraphForbidden, 0, "Intune refuses this caller"}},
		"403":                      {fault: graphsim.Fault{Status: 403, Code: "Forbidden"}, own: came{devices.Refused, leaver.GraphForbidden, 0, "DeviceManagementManagedDevices."}, all: came{devices.NoRoute, leaver.GraphForbidden, 0, "grant the permission"}},
		"405":                      {fault: graphsim.Fault{Status: 405}, own: came{devices.Refused, leaver.GraphBadRequest, 0, "405"}, all: came{devices.NoRoute, leaver.GraphBadRequest, 0, "405"}},
		"404 of a route":           {fault: graphsim.Fault{Status: 404, Code: "UnknownError"}, own: came{devices.Refused, leaver.GraphBadRequest, 0, "404"}, all: came{devices.NoRoute, leaver.GraphBadRequest, 0, "404"}},
		"404 of a device":          {fault: graphsim.Fault{Status: 404, Code: "ResourceNotFound"}, own: came{failure: leaver.GraphUnavailable, says: "does not find it for this call yet"}, all: came{devices.NoRoute, leaver.GraphBadRequest, 0, "404"}},
		"404 of the user":          {fault: graphsim.Fault{Status: 404, Code: "Request_ResourceNotFound"}, own: came{failure: leaver.GraphUnavailable}, all: came{devices.Refused, leaver.UserNotFound, 0, "no such user"}},
		"404 of a lagging replica": {fault: graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound"}, own: came{failure: leaver.GraphUnavailable}},
		"429":                      {fault: graphsim.Fault{Status: 429, Code: "TooManyRequests", RetryAfter: "2.128"}, own: came{failure: leaver.GraphThrottled, after: 2128 * time.Millisecond}},
		"503":                      {fault: graphsim.Fault{Status: 503, RetryAfter: "120"}, own: came{failure: leaver.GraphUnavailable, after: 2 * time.Minute}},
		"500":                      {fault: graphsim.Fault{Status: 500, Message: blocked}, own: came{failure: leaver.GraphUnavailable}},
		"408":                      {fault: graphsim.Fault{Status: 408}, own: came{failure: leaver.GraphUnavailable}},
		"a gateway's page":         {fault: graphsim.Fault{Status: 502, HTML: true}, own: came{failure: leaver.GraphUnavailable}},
		"a reset":                  {fault: graphsim.Fault{Reset: true}, own: came{failure: leaver.GraphUnavailable, says: "could not be reached"}},
		"a cut in mid-answer":      {fault: graphsim.Fault{Cut: true}, own: came{failure: leaver.GraphUnavailable}},
	} {
		for _, action := range append(onItsOwn, leaver.RemoveAll) {
			want := c.own
			if action == leaver.RemoveAll && c.all != (came{}) {
				want = c.all
			}
			t.Run(name+" "+string(action), func(t *testing.T) {
				t.Parallel()
				s := set(t, withDevices(never))
				s.spoil(action, c.fault)
				outcome, err := s.tries(t, 1, s.decided(action))
				assert.Len(t, s.writes(), 1, "one attempt makes one call")
				if want.answer == "" {
					failure := waiting(t, s, err, want.failure)
					assert.Equal(t, want.after, failure.NextRetryDelay())
					assert.Contains(t, failure.Message(), want.says)
					return
				}
				require.NoError(t, err)
				assert.Contains(t, outcome.Why, want.says)
				outcome.Why = ""
				assert.Equal(t, devices.Outcome{Answer: want.answer, Failure: want.failure, After: leaver.Duration(want.after)}, outcome)
				assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
			})
		}
	}
}

func TestAWriteThatIsTakenIsAccepted(t *testing.T) {
	t.Parallel()
	for action, state := range map[leaver.DeviceAction]string{leaver.Retire: "retirePending", leaver.Wipe: "wipePending", leaver.WipeKeepUserData: "wipePending", leaver.DeleteRecord: "", leaver.RemoveAll: "retirePending"} {
		s := set(t, withDevices(never, never))
		assert.Equal(t, devices.Outcome{Answer: devices.Accepted}, s.asks(t, 1, s.decided(action)))
		left := s.Users()[adele].Devices
		assert.Equal(t, state == "", len(left) == 1, action)
		if state != "" {
			assert.Equal(t, state, left[0].State)
			assert.Equal(t, action == leaver.RemoveAll, left[1].State == state, "%s", action)
		}
		assert.Len(t, s.writes(), 1)
	}
}

func TestUserDataIsKeptWhereThatIsSaidAndNowhereElse(t *testing.T) {
	t.Parallel()
	for action, kept := range map[leaver.DeviceAction]int{leaver.Wipe: 0, leaver.WipeKeepUserData: 1} {
		s := set(t, withDevices(atOnce))
		s.asks(t, 1, s.decided(action))
		assert.Len(t, s.Wiped(), 1)
		assert.Len(t, s.WipedButUserData(), kept)
	}
}

// A pending wipe that keeps the user's data is no full wipe, whatever became of the
// answer.
func TestAFullWipeFollowsAPendingOneThatKeepsUserData(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never))
	s.asks(t, 1, s.decided(leaver.WipeKeepUserData))
	request := s.decided(leaver.Wipe)
	require.Equal(t, "wipePending", request.Judged[0].State)
	s.spoil(leaver.Wipe, graphsim.Fault{Status: 503})
	_, err := s.tries(t, 1, request)
	waiting(t, s, err, leaver.GraphUnavailable)
	assert.Equal(t, devices.Accepted, s.asks(t, 2, request).Answer)
	assert.Equal(t, 3, s.written("POST wipe"))
}

// Between the decision and the call, something happens to the first of two devices.
func TestAWriteIsMadeOnlyOfADeviceThatIsAsItWasDecidedAbout(t *testing.T) {
	t.Parallel()
	device := func(change func(d *graphsim.Device)) func(*stage) {
		return func(s *stage) { s.change(func(user *graphsim.User) { change(&user.Devices[0]) }) }
	}
	state := func(to string) func(*stage) { return device(func(d *graphsim.Device) { d.State = to }) }
	leaves := func(s *stage) { s.change(func(user *graphsim.User) { user.Devices = user.Devices[1:] }) }
	for name, c := range map[string]struct {
		happens  func(s *stage)
		own, all devices.Answer
	}{
		"nothing":                   {func(*stage) {}, devices.Accepted, devices.Accepted},
		"another name":              {device(func(d *graphsim.Device) { d.Name = "ANOTHER" }), devices.Accepted, devices.Accepted},
		"it fails":                  {state("retireFailed"), devices.Accepted, devices.Accepted},
		"it is unhealthy":           {state("unhealthy"), devices.Accepted, devices.Accepted},
		"another owner":             {device(func(d *graphsim.Device) { d.OwnerType = "personal" }), devices.Unfit, devices.Unfit},
		"another operating system":  {device(func(d *graphsim.Device) { d.OperatingSystem = "Android" }), devices.Unfit, devices.Unfit},
		"another user":              {func(s *stage) { s.give(1) }, devices.Unfit, devices.Accepted},
		"it leaves":                 {leaves, devices.Unfit, devices.Accepted},
		"all leave":                 {func(s *stage) { s.change(func(user *graphsim.User) { user.Devices = nil }) }, devices.Unfit, devices.Unfit},
		"all are another user's":    {func(s *stage) { s.give(2) }, devices.Unfit, devices.Unfit},
		"a device that is new":      {func(s *stage) { s.Enroll(adele, phone) }, devices.Accepted, devices.Unfit},
		"a retirement is pending":   {state("retirePending"), devices.Unfit, devices.Accepted},
		"a retirement is under way": {state("retireIssued"), devices.Unfit, devices.Accepted},
		"a wipe is pending":         {state("wipePending"), devices.Unfit, devices.Accepted},
		"a wipe is under way":       {state("wipeIssued"), devices.Unfit, devices.Accepted},
		"a deletion is pending":     {state("deletePending"), devices.Unfit, devices.Accepted},
	} {
		for _, action := range append(onItsOwn, leaver.RemoveAll) {
			t.Run(name+" "+string(action), func(t *testing.T) {
				t.Parallel()
				s := set(t, withDevices(never, never))
				request := s.decided(action)
				c.happens(s)
				want := c.own
				if action == leaver.RemoveAll {
					want = c.all
				}
				assert.Equal(t, devices.Outcome{Answer: want}, s.asks(t, 1, request))
				assert.Equal(t, want == devices.Accepted, len(s.writes()) == 1)
				for _, d := range s.Users()[megan].Devices {
					assert.Equal(t, "managed", d.State, "it is Megan's")
				}
			})
		}
	}
}

func TestWhereIntuneDoesNotSayWhoseADeviceIsTheListDoes(t *testing.T) {
	t.Parallel()
	for _, action := range onItsOwn {
		s := behind(t, withDevices(never, never), http.MethodGet, "", func(s *stage, w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			s.Handler().ServeHTTP(answer, r)
			w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
			w.WriteHeader(answer.Code)
			_, _ = w.Write([]byte(strings.ReplaceAll(answer.Body.String(), `"userId":"`, `"was":"`)))
		})
		request := s.decided(action)
		s.Fail(graphsim.Fault{Path: "/managedDevices", Status: 503})
		_, err := s.tries(t, 1, request)
		waiting(t, s, err, leaver.GraphUnavailable)
		s.give(1)
		assert.Equal(t, devices.Unfit, s.asks(t, 1, request).Answer)
		assert.Empty(t, s.writes())

		assert.Equal(t, devices.Accepted, s.asks(t, 1, s.decided(action)).Answer)
		assert.Len(t, s.writes(), 1)
	}
}

// What cannot be read first is not changed.
func TestADeviceThatCannotBeReadIsNotAsked(t *testing.T) {
	t.Parallel()
	for _, action := range append(onItsOwn, leaver.RemoveAll) {
		for _, c := range []struct {
			fault graphsim.Fault
			want  leaver.FailureType
			waits bool
		}{
			{graphsim.Fault{Status: 403, Code: "Forbidden"}, leaver.GraphForbidden, false},
			{graphsim.Fault{Status: 401}, leaver.GraphUnauthorized, false},
			{graphsim.Fault{Status: 503, RetryAfter: "30"}, leaver.GraphUnavailable, true},
			{graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound"}, leaver.GraphUnavailable, true},
		} {
			s := set(t, withDevices(never))
			request := s.decided(action)
			c.fault.Method, c.fault.Times = "GET", -1
			s.Fail(c.fault)
			outcome, err := s.tries(t, 1, request)
			if c.waits {
				waiting(t, s, err, c.want)
			} else {
				require.NoError(t, err)
				assert.Equal(t, devices.Refused, outcome.Answer, "%s %d", action, c.fault.Status)
				assert.Equal(t, c.want, outcome.Failure)
				assert.Equal(t, c.want == leaver.GraphForbidden, strings.Contains(outcome.Why, "grant the permission DeviceManagementManagedDevices.Read.All"), outcome.Why)
			}
			assert.Empty(t, s.writes())
		}
	}
}

// The answer to a first attempt is lost, and a second one is made.
func TestALostAnswerIsNotTakenForANo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		checkIn  time.Duration
		failures int
		fault    graphsim.Fault
		want     devices.Answer
		calls    int
	}{
		"it was heard":                              {never, 0, graphsim.Fault{Cut: true}, devices.Unknown, 1},
		"it was heard, and the device has left":     {atOnce, 0, graphsim.Fault{Cut: true}, devices.Unknown, 1},
		"it was heard, and the device has failed":   {atOnce, 1, graphsim.Fault{Cut: true}, devices.Unknown, 1},
		"it was not heard":                          {never, 0, graphsim.Fault{Reset: true}, devices.Accepted, 2},
		"Intune did not do it and said so":          {never, 0, graphsim.Fault{Status: 503}, devices.Accepted, 2},
		"a replica that lags does not find a thing": {never, 0, graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound"}, devices.Accepted, 2},
	} {
		for _, action := range append(onItsOwn, leaver.RemoveAll) {
			t.Run(name+" "+string(action), func(t *testing.T) {
				t.Parallel()
				users := withDevices(c.checkIn, c.checkIn)
				for i := range users[0].Devices {
					users[0].Devices[i].Failures = c.failures
				}
				s := set(t, users)
				s.spoil(action, c.fault)
				request := s.decided(action)
				_, err := s.tries(t, 1, request)
				waiting(t, s, err, leaver.GraphUnavailable)
				outcome := s.asks(t, 2, request)
				assert.Equal(t, c.want, outcome.Answer)
				assert.Equal(t, c.want == devices.Unknown, outcome.Why != "")
				assert.Len(t, s.writes(), c.calls)
			})
		}
	}
}

// Microsoft does not say how Intune words that its day is over, nor always when it ends.
func TestAUsedUpDayLastsUntilTomorrow(t *testing.T) {
	t.Parallel()
	for _, action := range append(onItsOwn, leaver.RemoveAll) {
		s := set(t, withDevices(never, never))
		s.Configure(graphsim.Settings{DailyRetires: 1, DailyWipes: 1, DailyDeletes: 1})
		request := s.decided(action)
		if action != leaver.RemoveAll {
			require.Equal(t, devices.Accepted, s.asks(t, 1, request).Answer)
			s.change(func(user *graphsim.User) { user.Devices = user.Devices[len(user.Devices)-1:] })
			request = s.decided(action)
		}
		outcome := s.asks(t, 1, request)
		tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		assert.Equal(t, devices.Spent, outcome.Answer, action)
		assert.WithinDuration(t, tomorrow, time.Now().Add(time.Duration(outcome.After)), 10*time.Minute)
		assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
	}
}

func TestAWriteThatNamesNotOneDeviceEachIsRefused(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	for _, action := range append(onItsOwn, leaver.RemoveAll) {
		both := s.decided(leaver.RemoveAll)
		both.Action = action
		unjudged := both
		unjudged.Judged = both.Judged[:1]
		wrong := []devices.WriteRequest{unjudged}
		if action != leaver.RemoveAll {
			wrong = append(wrong, both, devices.WriteRequest{UserID: s.id(adele), Write: devices.Write{Action: action}})
		}
		for _, request := range wrong {
			_, err := s.tries(t, 1, request)
			final(t, s, err, leaver.InvalidRequest)
		}
	}
	assert.Empty(t, s.Requests())
}

// Temporal tries again, and a later attempt looks what has become of the call.
func TestAnAttemptWhoseTimeIsUpTellsNothing(t *testing.T) {
	t.Parallel()
	for _, action := range append(onItsOwn, leaver.RemoveAll) {
		s := set(t, withDevices(never))
		request := s.decided(action)
		s.spoil(action, graphsim.Fault{Late: leaver.Duration(time.Hour)})
		activity, _ := of(action)
		var outcome devices.Outcome
		err := (&attempt{timeout: 200 * time.Millisecond}).run(t, s, activity, request, &outcome)
		assert.False(t, failed(t, s, err).NonRetryable())
		assert.Equal(t, devices.Unknown, s.asks(t, 2, request).Answer, action)
		assert.Len(t, s.writes(), 1)
	}
}
