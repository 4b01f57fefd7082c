package activities_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
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

var (
	// onItsOwn is what may be asked of one device.
	onItsOwn    = []leaver.DeviceAction{leaver.Retire, leaver.Wipe, leaver.WipeKeepUserData, leaver.DeleteRecord}
	everyAction = append(slices.Clip(onItsOwn), leaver.RemoveAll)
)

// calls names the activity that makes an action's call, and the call's method and the end
// of its path.
var calls = map[leaver.DeviceAction]struct{ activity, method, path string }{
	leaver.Retire:           {leaver.ActivityRetireDevice, "POST", "/retire"},
	leaver.Wipe:             {leaver.ActivityWipeDevice, "POST", "/wipe"},
	leaver.WipeKeepUserData: {leaver.ActivityWipeDevice, "POST", "/wipe"},
	leaver.DeleteRecord:     {leaver.ActivityDeleteDeviceRecord, "DELETE", ""},
	leaver.RemoveAll:        {leaver.ActivityRemoveAllDevices, "POST", "/removeAllDevicesFromManagement"},
}

// spoil spoils the calls of an action, unless the fault names a method of its own.
func (s *stage) spoil(action leaver.DeviceAction, fault graphsim.Fault) {
	if fault.Method == "" {
		fault.Method, fault.Path = calls[action].method, calls[action].path
	}
	s.Fail(fault)
}

// ofFirst changes the first of Adele's devices.
func ofFirst(change func(d *graphsim.Device)) func(*stage) {
	return func(s *stage) { s.change(func(user *graphsim.User) { change(&user.Devices[0]) }) }
}

// become changes the states of Adele's devices.
func (s *stage) become(states ...string) {
	s.change(func(user *graphsim.User) {
		for i, state := range states {
			user.Devices[i].State = state
		}
	})
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

// tries makes an attempt of a write after four that Graph has refused so that it may pass: the next such
// refusal counts.
func (s *stage) tries(t *testing.T, number int32, request devices.WriteRequest) (devices.Outcome, error) {
	t.Helper()
	var outcome devices.Outcome
	err := attempt{number: number, refused: 4}.run(t, s, calls[request.Action].activity, request, &outcome)
	outcome.HeardAt = time.Time{}
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
	type row struct {
		fault    graphsim.Fault
		own, all came
	}
	table(t, map[string]row{
		"409":                      {graphsim.Fault{Status: 409, Code: "Conflict"}, came{devices.Refused, leaver.GraphBadRequest, 0, "409"}, came{}},
		"409 of an approval":       {graphsim.Fault{Status: 409, Code: "Conflict", Message: "An approval request is pending."}, came{devices.Refused, leaver.ApprovalRequired, 0, "pending in Intune already"}, came{}},
		"no justification":         {graphsim.Fault{Status: 400, Message: "Header 'x-msft-approval-justification' is required"}, came{devices.Refused, leaver.ApprovalRequired, 0, "Multi Admin Approval"}, came{}},
		"a text that is too long":  {graphsim.Fault{Status: 400, Message: "The value of header 'x-msft-approval-justification' is too long."}, came{devices.Refused, leaver.GraphBadRequest, 0, "reason and ticket are too long"}, came{}},
		"a used-up day":            {graphsim.Fault{Status: 429, Message: spent, RetryAfter: "7200"}, came{answer: devices.Spent, after: 2 * time.Hour}, came{}},
		"a used-up day, as 400":    {graphsim.Fault{Status: 400, Message: spent, RetryAfter: "7200"}, came{answer: devices.Spent, after: 2 * time.Hour}, came{}},
		"400":                      {graphsim.Fault{Status: 400, Code: "BadRequest", Message: blocked}, came{devices.Refused, leaver.GraphBadRequest, 0, "in words that are not kept"}, came{}},
		"400 without a licence":    {graphsim.Fault{Status: 400, Code: "BadRequest", Message: unlicensed}, came{devices.Refused, leaver.IntuneNotLicensed, 0, "no active Intune licence"}, came{}},
		"401":                      {graphsim.Fault{Status: 401, Code: "InvalidAuthenticationToken"}, came{devices.Refused, leaver.GraphUnauthorized, 0, "refuses the token"}, came{}},
		"401 that is a 403":        {graphsim.Fault{Status: 401, Code: "UnknownError", Message: forbidden}, came{devices.Refused, leaver.GraphForbidden, 0, "Intune refuses this caller"}, came{}},
		"403":                      {graphsim.Fault{Status: 403, Code: "Forbidden"}, came{devices.Refused, leaver.GraphForbidden, 0, "DeviceManagementManagedDevices."}, came{devices.NoRoute, leaver.GraphForbidden, 0, "grant the permission"}},
		"405":                      {graphsim.Fault{Status: 405}, came{devices.Refused, leaver.GraphBadRequest, 0, "405"}, came{devices.NoRoute, leaver.GraphBadRequest, 0, "405"}},
		"404 of a route":           {graphsim.Fault{Status: 404, Code: "UnknownError"}, came{devices.Refused, leaver.GraphBadRequest, 0, "404"}, came{devices.NoRoute, leaver.GraphBadRequest, 0, "404"}},
		"404 of a device":          {graphsim.Fault{Status: 404, Code: "ResourceNotFound"}, came{devices.Refused, leaver.GraphBadRequest, 0, "404"}, came{devices.NoRoute, leaver.GraphBadRequest, 0, "404"}},
		"404 of the user":          {graphsim.Fault{Status: 404, Code: "Request_ResourceNotFound"}, came{devices.Refused, leaver.UserNotFound, 0, "no such user"}, came{devices.NoRoute, leaver.UserNotFound, 0, "no such user"}},
		"404 of a lagging replica": {graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound"}, came{failure: leaver.GraphUnavailable}, came{}},
		"429":                      {graphsim.Fault{Status: 429, Code: "TooManyRequests", RetryAfter: "2.128"}, came{failure: leaver.GraphThrottled, after: 2128 * time.Millisecond}, came{}},
		"503":                      {graphsim.Fault{Status: 503, RetryAfter: "120"}, came{failure: leaver.GraphUnavailable, after: 2 * time.Minute}, came{}},
		"500":                      {graphsim.Fault{Status: 500, Message: blocked}, came{failure: leaver.GraphUnavailable}, came{}},
		"408":                      {graphsim.Fault{Status: 408}, came{failure: leaver.GraphUnavailable}, came{}},
		"a gateway's page":         {graphsim.Fault{Status: 502, HTML: true}, came{failure: leaver.GraphUnavailable}, came{}},
		"a reset":                  {graphsim.Fault{Reset: true}, came{failure: leaver.GraphUnavailable, says: "could not be reached"}, came{}},
		"a cut in mid-answer":      {graphsim.Fault{Cut: true}, came{failure: leaver.GraphUnavailable}, came{}},
		"403 of the device":        {graphsim.Fault{Method: "GET", Times: -1, Status: 403, Code: "Forbidden"}, came{devices.Refused, leaver.GraphForbidden, 0, "grant the permission DeviceManagementManagedDevices.Read.All"}, came{}},
		"401 of the device":        {graphsim.Fault{Method: "GET", Times: -1, Status: 401}, came{devices.Refused, leaver.GraphUnauthorized, 0, "refuses the token"}, came{}},
		"503 of the device":        {graphsim.Fault{Method: "GET", Times: -1, Status: 503, RetryAfter: "30"}, came{failure: leaver.GraphUnavailable, after: 30 * time.Second}, came{}},
		"404 of the device, of a lagging replica": {graphsim.Fault{Method: "GET", Times: -1, Status: 404, Code: "Directory_ObjectNotFound"}, came{failure: leaver.GraphUnavailable}, came{}},
	}, func(t *testing.T, c row) {
		for _, action := range everyAction {
			want := c.own
			if action == leaver.RemoveAll && c.all != (came{}) {
				want = c.all
			}
			s := set(t, withDevices(never))
			s.spoil(action, c.fault)
			outcome, err := s.tries(t, 1, s.decided(action))
			if c.fault.Method == "GET" {
				assert.Empty(t, s.writes(), "what cannot be read first is not changed")
			} else {
				assert.Len(t, s.writes(), 1, "one attempt makes one call")
			}
			if want.answer == "" {
				failure := waiting(t, s, err, want.failure)
				assert.Equal(t, want.after, failure.NextRetryDelay())
				assert.Contains(t, failure.Message(), want.says)
				continue
			}
			require.NoError(t, err)
			assert.Contains(t, outcome.Why, want.says)
			outcome.Why = ""
			assert.Equal(t, devices.Outcome{Answer: want.answer, Failure: want.failure, After: leaver.Duration(want.after)}, outcome, "%s", action)
			assert.Equal(t, "managed", s.Users()[adele].Devices[0].State)
		}
	})
}

func TestAWriteThatIsTakenIsAccepted(t *testing.T) {
	t.Parallel()
	for action, want := range map[leaver.DeviceAction][]string{leaver.Retire: {"retirePending", "managed"}, leaver.Wipe: {"wipePending", "managed"},
		leaver.WipeKeepUserData: {"wipePending", "managed"}, leaver.DeleteRecord: {"managed"}, leaver.RemoveAll: {"retirePending", "retirePending"}} {
		s := set(t, withDevices(never, never))
		assert.Equal(t, devices.Outcome{Answer: devices.Accepted}, s.asks(t, 1, s.decided(action)))
		var states []string
		for _, d := range s.Users()[adele].Devices {
			states = append(states, d.State)
		}
		assert.Equal(t, want, states, "%s", action)
		assert.Len(t, s.writes(), 1)
	}
}

func TestUserDataIsKeptWhereThatIsSaidAndNowhereElse(t *testing.T) {
	t.Parallel()
	for action, kept := range map[leaver.DeviceAction]int{leaver.Wipe: 0, leaver.WipeKeepUserData: 1} {
		s := set(t, withDevices(atOnce))
		s.asks(t, 1, s.decided(action))
		assert.Equal(t, [2]int{1, kept}, [2]int{len(s.Wiped()), len(s.WipedButUserData())})
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
	waiting(t, s, errorOf(s.tries(t, 1, request)), leaver.GraphUnavailable)
	assert.Equal(t, devices.Accepted, s.asks(t, 2, request).Answer)
	assert.Equal(t, 3, s.written("POST wipe"))
}

// Between the decision and the call, something happens to the first of two devices.
func TestAWriteIsMadeOnlyOfADeviceThatIsAsItWasDecidedAbout(t *testing.T) {
	t.Parallel()
	state := func(to string) func(*stage) { return func(s *stage) { s.become(to) } }
	type row struct {
		happens  func(s *stage)
		own, all devices.Answer
	}
	table(t, map[string]row{
		"nothing":                   {func(*stage) {}, devices.Accepted, devices.Accepted},
		"another name":              {ofFirst(func(d *graphsim.Device) { d.Name = "ANOTHER" }), devices.Accepted, devices.Accepted},
		"it fails":                  {state("retireFailed"), devices.Accepted, devices.Accepted},
		"it is unhealthy":           {state("unhealthy"), devices.Accepted, devices.Accepted},
		"another owner":             {ofFirst(func(d *graphsim.Device) { d.OwnerType = "personal" }), devices.Unfit, devices.Unfit},
		"another operating system":  {ofFirst(func(d *graphsim.Device) { d.OperatingSystem = "Android" }), devices.Unfit, devices.Unfit},
		"another user":              {func(s *stage) { s.give(1) }, devices.Unfit, devices.Accepted},
		"it leaves":                 {func(s *stage) { s.leave(1) }, devices.Unfit, devices.Accepted},
		"all leave":                 {func(s *stage) { s.leave(2) }, devices.Unfit, devices.Unfit},
		"all are another user's":    {func(s *stage) { s.give(2) }, devices.Unfit, devices.Unfit},
		"a device that is new":      {func(s *stage) { s.Enroll(adele, phone) }, devices.Accepted, devices.Unfit},
		"a retirement is pending":   {state("retirePending"), devices.Unfit, devices.Accepted},
		"a retirement is under way": {state("retireIssued"), devices.Unfit, devices.Accepted},
		"a wipe is pending":         {state("wipePending"), devices.Unfit, devices.Accepted},
		"a wipe is under way":       {state("wipeIssued"), devices.Unfit, devices.Accepted},
		"a deletion is pending":     {state("deletePending"), devices.Unfit, devices.Accepted},
	}, func(t *testing.T, c row) {
		for _, action := range everyAction {
			s := set(t, withDevices(never, never))
			request := s.decided(action)
			c.happens(s)
			want := c.own
			if action == leaver.RemoveAll {
				want = c.all
			}
			assert.Equal(t, devices.Outcome{Answer: want}, s.asks(t, 1, request), "%s", action)
			assert.Equal(t, want == devices.Accepted, len(s.writes()) == 1, "%s", action)
			for _, d := range s.Users()[megan].Devices {
				assert.Equal(t, "managed", d.State, "it is Megan's")
			}
		}
	})
}

func TestWhereIntuneDoesNotSayWhoseADeviceIsTheListDoes(t *testing.T) {
	t.Parallel()
	for _, action := range onItsOwn {
		s := set(t, withDevices(never, never))
		s.front.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			s.Handler().ServeHTTP(answer, r)
			w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
			w.WriteHeader(answer.Code)
			_, _ = w.Write([]byte(strings.ReplaceAll(answer.Body.String(), `"userId":"`, `"was":"`)))
		})
		request := s.decided(action)
		s.Fail(graphsim.Fault{Path: "/managedDevices", Status: 503})
		waiting(t, s, errorOf(s.tries(t, 1, request)), leaver.GraphUnavailable)
		s.give(1)
		assert.Equal(t, devices.Unfit, s.asks(t, 1, request).Answer)
		assert.Empty(t, s.writes())

		assert.Equal(t, devices.Accepted, s.asks(t, 1, s.decided(action)).Answer)
		assert.Len(t, s.writes(), 1)
	}
}

// The answer to a first attempt is lost, and a second one is made.
func TestALostAnswerIsNotTakenForANo(t *testing.T) {
	t.Parallel()
	type row struct {
		checkIn  time.Duration
		failures int
		fault    graphsim.Fault
		want     devices.Answer
		calls    int
	}
	table(t, map[string]row{
		"it was heard":                              {never, 0, graphsim.Fault{Cut: true}, devices.Unknown, 1},
		"it was heard, and the device has left":     {atOnce, 0, graphsim.Fault{Cut: true}, devices.Unknown, 1},
		"it was heard, and the device has failed":   {atOnce, 1, graphsim.Fault{Cut: true}, devices.Unknown, 1},
		"it was not heard":                          {never, 0, graphsim.Fault{Reset: true}, devices.Accepted, 2},
		"Intune did not do it and said so":          {never, 0, graphsim.Fault{Status: 503}, devices.Accepted, 2},
		"a replica that lags does not find a thing": {never, 0, graphsim.Fault{Status: 404, Code: "Directory_ObjectNotFound"}, devices.Accepted, 2},
	}, func(t *testing.T, c row) {
		for _, action := range everyAction {
			users := withDevices(c.checkIn, c.checkIn)
			for i := range users[0].Devices {
				users[0].Devices[i].Failures = c.failures
			}
			s := set(t, users)
			s.spoil(action, c.fault)
			request := s.decided(action)
			waiting(t, s, errorOf(s.tries(t, 1, request)), leaver.GraphUnavailable)
			outcome := s.asks(t, 2, request)
			assert.Equal(t, c.want, outcome.Answer, "%s", action)
			assert.Equal(t, c.want == devices.Unknown, outcome.Why != "")
			assert.Len(t, s.writes(), c.calls)
		}
	})
}

// Microsoft does not say how Intune words that its day is over, nor always when it ends.
func TestAUsedUpDayLastsUntilTomorrow(t *testing.T) {
	t.Parallel()
	for _, action := range everyAction {
		s := set(t, withDevices(never, never))
		s.Configure(graphsim.Settings{DailyRetires: 1, DailyWipes: 1, DailyDeletes: 1})
		request := s.decided(action)
		if action != leaver.RemoveAll {
			require.Equal(t, devices.Accepted, s.asks(t, 1, request).Answer)
			s.leave(len(s.Users()[adele].Devices) - 1)
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
	for _, action := range everyAction {
		both := s.decided(leaver.RemoveAll)
		both.Action = action
		unjudged := both
		unjudged.Judged = both.Judged[:1]
		wrong := []devices.WriteRequest{unjudged}
		if action != leaver.RemoveAll {
			wrong = append(wrong, both, devices.WriteRequest{UserID: s.id(adele), Write: devices.Write{Action: action}})
		}
		for _, request := range wrong {
			final(t, s, errorOf(s.tries(t, 1, request)), leaver.InvalidRequest)
		}
	}
	assert.Empty(t, s.Requests())
}

// Temporal tries again, and a later attempt looks what has become of the call.
func TestAnAttemptWhoseTimeIsUpTellsNothing(t *testing.T) {
	t.Parallel()
	for _, action := range everyAction {
		s := set(t, withDevices(never))
		request := s.decided(action)
		s.spoil(action, graphsim.Fault{Late: leaver.Duration(time.Hour)})
		err := attempt{timeout: 200 * time.Millisecond}.run(t, s, calls[action].activity, request, nil)
		waiting(t, s, err, "wrapError") // it is none of leaver's failures: Temporal ended the attempt
		assert.Equal(t, devices.Unknown, s.asks(t, 2, request).Answer, action)
		assert.Len(t, s.writes(), 1)
	}
}

// Between the decision and the call for all, the list begins to name somebody else as the user of a device.
func TestTheCallForAllIsNotMadeWhereTheListNamesSomebodyElse(t *testing.T) {
	t.Parallel()
	s := set(t, withDevices(never, never))
	request := s.decided(leaver.RemoveAll)
	request.UserPrincipalName = adele
	for _, change := range []func(*graphsim.Device){
		func(d *graphsim.Device) { d.UserPrincipalName = megan },
		func(d *graphsim.Device) { d.UserID, d.UserPrincipalName = group, "" },
	} {
		s.change(func(u *graphsim.User) { change(&u.Devices[1]) })
		assert.Equal(t, devices.Unfit, s.asks(t, 1, request).Answer)
		assert.Empty(t, s.writes())
	}
	request.Judged[1].Special = leaver.OtherUser // a person has named it
	assert.Equal(t, devices.Accepted, s.asks(t, 1, request).Answer)
}
