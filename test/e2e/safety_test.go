package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const megan = "megan@contoso.com"

// untouched asserts that no write reached anything of a user's, and that nothing of it has changed.
func (w *world) untouched(name string) {
	w.t.Helper()
	user := w.tenant.Users()[name]
	for _, r := range w.tenant.Requests() {
		if !r.Writes() {
			continue
		}
		assert.NotEqual(w.t, user.ID, r.UserID, "%s %s", r.Method, r.Path)
		for _, d := range user.Devices {
			assert.NotContains(w.t, r.Path, d.ID, r.Method)
		}
	}
	for _, d := range user.Devices {
		assert.Equal(w.t, "managed", d.State, d.Name)
	}
}

// held waits until the whole offboarding waits for a person.
func (w *world) held(id string) {
	w.t.Helper()
	w.until("the whole offboarding waits", func() bool {
		return slices.ContainsFunc(w.progress(id).Waits, func(wait leaver.Wait) bool { return wait.Step == "" && wait.For == leaver.WaitForPerson })
	})
}

// approve has a plan carried out, once it waits for that.
func (w *world) approve(id string) {
	w.t.Helper()
	w.held(id)
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", id, "--name", "approve", "--input", `{"by":"it@contoso.com"}`)
}

func TestSomebodyWhoIsHiredAgainKeepsTheNewLaptop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{CheckIn: 20 * time.Second})
	w.start("W")
	w.arrived("POST", "/removeAllDevicesFromManagement")
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.AccountEnabled = true
	w.tenant.Add(adele)
	require.True(t, w.tenant.Enroll(graphsim.Leaver, graphsim.Device{ID: "4f3c2b1a-0000-4000-8000-000000000001", Name: "NEW-LAPTOP", OperatingSystem: "Windows"}))
	w.held("W")
	assert.Contains(t, w.must(programs.starter, "status", "--workflow-id", "W", graphsim.Leaver), "starter continue-offboarding "+graphsim.Leaver)
	laptop := device(w.progress("W").Report, "4f3c2b1a-0000-4000-8000-000000000001")
	assert.Equal(t, "NEW-LAPTOP", laptop.Name)
	assert.Empty(t, laptop.Calls)
	assert.Zero(t, w.requests("POST", "/retire"))
	assert.True(t, w.tenant.Users()[graphsim.Leaver].AccountEnabled)

	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "continueOffboarding", "--input", `{"by":"it@contoso.com","reason":"a test"}`)
	report := w.completed("W")
	require.NotNil(t, report.EnabledAgain)
	assert.Equal(t, "a test", report.EnabledAgain.Continued.Reason)
	assert.Empty(t, w.tenant.Users()[graphsim.Leaver].Devices)
}

// The id was Adele's offboarding before.
func TestALateDecisionForAWorkflowIDThatIsUsedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	user := w.tenant.Users()[megan]
	user.Devices = []graphsim.Device{{Name: "PHONE", OperatingSystem: "Android", OwnerType: "company"}} // retiring it would do harm, so it is a question
	w.tenant.Add(user)
	user = w.tenant.Users()[megan]
	w.startWith("W", leaver.Request{UserID: megan})
	w.waiting("W", leaver.StepRemoveAllDevices)
	for _, decision := range []string{`{"step":"removeAllDevices","choice":"wipe"}`, `{"step":"removeAllDevices","choice":"wipe","items":["` + user.Devices[0].ID + `"],"userId":"` + graphsim.Leaver + `"}`} {
		w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "answer", "--input", decision)
		_, err := w.run(programs.temporal, "workflow", "update", "execute", "--workflow-id", "W", "--address", w.server.Address, "--name", "answer", "--input", decision)
		require.Error(t, err)
	}
	out, err := w.run(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, "wipe", "PHONE")
	require.Error(t, err)
	assert.Contains(t, out, "is of another user")
	out, err = w.run(programs.temporal, "workflow", "update", "execute", "--workflow-id", "W", "--address", w.server.Address, "--name", "abort", "--input", `{}`, "--input", `{"userId":"x"}`)
	require.Error(t, err)
	assert.Contains(t, out, "several were given")
	w.until("the signals are shown as refused", func() bool { return len(w.progress("W").Refused) == 2 })
	assert.Empty(t, w.tenant.Wiped())
	assert.Equal(t, "managed", w.tenant.Users()[megan].Devices[0].State)
	w.must(programs.starter, "abort", "--workflow-id", "W", megan)
	_, err = w.report("W")
	require.Error(t, err)
}

// changing changes the JSON of the answers to requests whose path ends so.
func changing(suffix string, change func(r *http.Request, body map[string]any)) func(http.Handler) http.Handler {
	return func(tenant http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, suffix) {
				tenant.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			tenant.ServeHTTP(answer, r)
			var body map[string]any
			if json.Unmarshal(answer.Body.Bytes(), &body) == nil && answer.Code == http.StatusOK {
				change(r, body)
				changed, _ := json.Marshal(body)
				answer.Body = bytes.NewBuffer(changed)
			}
			maps.Copy(w.Header(), answer.Header())
			w.Header().Del("Content-Length")
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes())
		})
	}
}

// A tenant that misbehaves lists Megan's devices for Adele, leads Adele's list to everybody's, or gives a device to
// Megan once it was listed.
func TestATenantThatMisbehavesHasNobodyElsesDeviceWiped(t *testing.T) {
	t.Parallel()
	var w atomic.Pointer[world]
	wipe := leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Wipe}, Personal: leaver.DeviceActions{Default: leaver.Wipe}}
	const list = "/managedDevices"
	foreign := func() []any {
		var rows []any
		user := w.Load().tenant.Users()[megan]
		for _, d := range user.Devices {
			rows = append(rows, map[string]any{"id": d.ID, "deviceName": d.Name, "operatingSystem": d.OperatingSystem, "managedDeviceOwnerType": "company", "managementState": "managed", "userId": user.ID, "userPrincipalName": megan})
		}
		return rows
	}
	for name, c := range map[string]struct {
		change  func(r *http.Request, body map[string]any)
		says    string
		approve bool
	}{
		"somebody else's devices in the list": {func(r *http.Request, body map[string]any) {
			body["value"] = append(body["value"].([]any), foreign()...)
		}, "somebody else", true},
		"a link to everybody's devices": {func(r *http.Request, body map[string]any) {
			body["@odata.nextLink"] = "http://" + r.Host + graphsim.GraphPath + "/v1.0/deviceManagement/managedDevices"
		}, "leads to another list", false},
	} {
		t.Run(name, func(t *testing.T) {
			one := newWorld(t, settings{Unrecorded: true, Hostile: changing(list, func(r *http.Request, body map[string]any) {
				if strings.Contains(r.URL.Path, "/users/") {
					c.change(r, body)
				}
			})})
			w.Store(one)
			one.startWith("W", leaver.Request{UserID: graphsim.Leaver, Devices: &wipe})
			if c.approve {
				one.approve("W")
			}
			one.waiting("W", leaver.StepRemoveAllDevices)
			one.until("it says why", func() bool {
				return strings.Contains(fmt.Sprintf("%+v", step(one.progress("W").Report, leaver.StepRemoveAllDevices)), c.says)
			})
			// Neither a retry nor a person's mistake reaches them.
			one.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "retryStep", "--input", `{"step":"removeAllDevices"}`)
			ids, _ := json.Marshal(one.ids(megan))
			one.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "answer", "--input", `{"step":"removeAllDevices","choice":"wipe","items":`+string(ids)+`}`)
			one.waiting("W", leaver.StepRemoveAllDevices)
			time.Sleep(5 * time.Second) // what would be made is made by then
			one.untouched(megan)
		})
	}
}

func (w *world) ids(name string) []string {
	var ids []string
	for _, d := range w.tenant.Users()[name].Devices {
		ids = append(ids, d.ID)
	}
	return ids
}

// Adele is an administrator: nothing is touched before a person approves, by whatever tool.
func TestAnAdministratorIsOffboardedOnceThatIsApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Roles = []graphsim.Role{{ID: "r1"}, {ID: "e1", Eligible: true}}
	w.tenant.Add(adele)
	dry := w.must(programs.starter, "start", "--dry-run", "--workflow-id", "DRY", graphsim.Leaver)
	assert.Contains(t, dry, "privilegedUser")
	assert.Contains(t, dry, "holds a directory role")

	w.start("REJECTED")
	w.held("REJECTED")
	assert.Contains(t, w.must(programs.starter, "status", "--workflow-id", "REJECTED", graphsim.Leaver), "starter approve "+graphsim.Leaver)
	w.must(programs.starter, "reject", "--workflow-id", "REJECTED", graphsim.Leaver, "--reason", "the wrong Adele")
	report, err := w.report("REJECTED")
	assert.True(t, leaver.IsFailure(err, leaver.OffboardingIncomplete))
	assert.Equal(t, leaver.Rejected, report.Status)
	w.untouched(graphsim.Leaver)
	assert.True(t, w.tenant.Users()[graphsim.Leaver].AccountEnabled)

	w.start("APPROVED")
	w.held("APPROVED")
	w.untouched(graphsim.Leaver)
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "APPROVED", "--name", "approve", "--input", `{"by":"it@contoso.com","userId":"adele@contoso.com"}`)
	assert.Equal(t, "it@contoso.com", w.completed("APPROVED").Approval.Given[0].By)
}

// The configuration protects Megan by her name and Lee by a group; nobody can approve that away.
func TestProtectedUsersAreRefused(t *testing.T) {
	t.Parallel()
	const group = "0e1f0000-0000-4000-8000-000000000001"
	w := newWorld(t, settings{Env: []string{"LEAVER_PROTECTED_USERS=" + megan, "LEAVER_PROTECTED_GROUPS=" + group}})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Memberships = []graphsim.Membership{{ID: group}}
	w.tenant.Add(adele)
	for _, name := range []string{megan, w.tenant.Users()[megan].ID, graphsim.Leaver} {
		out, err := w.run(programs.starter, "start", name)
		require.Error(t, err)
		assert.Contains(t, out, "nothing was touched", name)
	}
	w.untouched(megan)
	w.untouched(graphsim.Leaver)
}

// A script gone wrong: the offboardings beyond the limit wait, over all workers.
func TestManyOffboardingsWithinAnHourWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Env: []string{"LEAVER_MAX_STARTS=3"}})
	for i := range 6 {
		user := graphsim.User{UserPrincipalName: fmt.Sprintf("user%d@contoso.com", i), AccountEnabled: true, Devices: []graphsim.Device{{Name: "LAPTOP", OperatingSystem: "Windows", OwnerType: "company"}}}
		w.tenant.Add(user)
		w.startWith(fmt.Sprint("W", i), leaver.Request{UserID: user.UserPrincipalName})
		time.Sleep(1500 * time.Millisecond) // Temporal's visibility lags
	}
	waiting := 0
	for i := range 6 {
		id := fmt.Sprint("W", i)
		w.until(id+" is planned", func() bool { return len(w.progress(id).Steps) > 0 })
		if approval := w.progress(id).Approval; approval.IsOpen() {
			waiting++
			assert.Contains(t, approval.Why, "offboardings began within an hour, and the worker expects 3 at most")
			w.untouched(fmt.Sprintf("user%d@contoso.com", i))
		}
	}
	assert.Equal(t, 3, waiting)
}

// One person under two identifiers, by two tools.
func TestAPersonHasOneOffboardingAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{CheckIn: 15 * time.Second})
	adele := w.tenant.Users()[graphsim.Leaver]
	w.must(programs.starter, "start", "--detach", graphsim.Leaver)
	w.must(programs.tctl, "workflow", "start", "--taskqueue", leaver.TaskQueue, "--workflow_type", leaver.WorkflowType, "--workflow_id", "SECOND", "--input", `{"userId":"`+adele.ID+`"}`)
	_, err := w.report("SECOND")
	require.True(t, leaver.IsFailure(err, leaver.AlreadyOffboarding), "%v", err)
	first := leaver.WorkflowID(graphsim.Leaver)
	assert.ErrorContains(t, err, "the offboarding "+first+" of the same user runs already")

	out := w.must(programs.starter, "start", "{"+strings.ToUpper(adele.ID)+"}", "--detach")
	assert.Contains(t, out, "The offboarding "+first+" runs already")
	assert.Contains(t, w.must(programs.starter, "status", adele.ID), first)
	out, err = w.run(programs.starter, "start", megan, "--workflow-id", first)
	require.Error(t, err)
	assert.Contains(t, out, "is of another user")

	w.completed(first)
	assert.Equal(t, 1, w.requests("POST", "/removeAllDevicesFromManagement")+w.requests("POST", "/retire"))
	w.untouched(megan)
}

// A plan that is not made yet tells nobody whose the workflow id is.
func TestAWorkflowIDThatIsSomebodyElsesIsRefusedBeforeThePlanIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.tenant.Fail(graphsim.Fault{Method: http.MethodGet, Status: 503, Times: -1})
	w.start("W")
	out, err := w.run(programs.starter, "start", megan, "--workflow-id", "W", "--detach")
	require.Error(t, err)
	assert.Contains(t, out, "the offboarding W was not started for this user")
	w.must(programs.starter, "start", "ADELE@contoso.com", "--workflow-id", "W", "--detach")
	w.tenant.Heal()
	w.finished("W")
	w.untouched(megan)
}

// Two that begin at the same moment: one of them goes on.
func TestOfTwoOffboardingsThatBeginTogetherOneGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	id := w.tenant.Users()[graphsim.Leaver].ID
	w.startWith("A", leaver.Request{UserID: graphsim.Leaver})
	w.startWith("B", leaver.Request{UserID: id})
	ended := map[bool]int{}
	for _, name := range []string{"A", "B"} {
		_, err := w.report(name)
		ended[err == nil]++
		assert.True(t, err == nil || leaver.IsFailure(err, leaver.AlreadyOffboarding), "%v", err)
	}
	assert.Equal(t, map[bool]int{true: 1, false: 1}, ended)
}

// The first is planned late, as Graph is slow, and the second at once.
func TestOfTwoOffboardingsTheFirstThatIsPlannedGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{CheckIn: 20 * time.Second})
	w.tenant.Fail(graphsim.Fault{Method: "GET", Path: "/users/" + graphsim.Leaver, Status: 503, RetryAfter: "8", Times: 1})
	w.startWith("LATE", leaver.Request{UserID: graphsim.Leaver})
	w.until("the plan is to be tried again", func() bool { return len(w.tenant.Requests()) > 0 })
	w.startWith("SECOND", leaver.Request{UserID: w.tenant.Users()[graphsim.Leaver].ID})
	_, err := w.report("LATE")
	assert.True(t, leaver.IsFailure(err, leaver.AlreadyOffboarding), "%v", err)
	w.completed("SECOND")
	assert.Equal(t, 1, w.requests("POST", "/revokeSignInSessions"))
}

// The same start is sent again, after Adele was hired again.
func TestAStartThatIsSentAgainAfterARehireWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{})
	w.must(programs.starter, "start", "--dry-run", graphsim.Leaver)
	w.must(programs.starter, "start", graphsim.Leaver)
	w.must(programs.starter, "start", graphsim.Leaver) // finds what is done already
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.AccountEnabled = true
	w.tenant.Add(adele)
	require.True(t, w.tenant.Enroll(graphsim.Leaver, graphsim.Device{Name: "NEW-LAPTOP", OperatingSystem: "Windows"}))
	time.Sleep(2 * time.Second) // Temporal's visibility lags
	w.must(programs.starter, "start", "--detach", graphsim.Leaver)
	id := leaver.WorkflowID(graphsim.Leaver)
	w.held(id)
	assert.Contains(t, w.progress(id).Waits[0].Why, "has the person been hired again?")
	assert.True(t, w.tenant.Users()[graphsim.Leaver].AccountEnabled)
	assert.Equal(t, "managed", w.tenant.Users()[graphsim.Leaver].Devices[0].State)
	w.must(programs.starter, "reject", graphsim.Leaver)
}

// Somebody aborts the offboarding of Adele, who was hired again, and the same start is sent again.
func TestAStartThatIsSentAgainAfterARehireWasFoundWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{CheckIn: 20 * time.Second})
	w.must(programs.starter, "start", "--detach", graphsim.Leaver)
	id := leaver.WorkflowID(graphsim.Leaver)
	w.arrived("POST", "/removeAllDevicesFromManagement")
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.AccountEnabled = true
	w.tenant.Add(adele)
	require.True(t, w.tenant.Enroll(graphsim.Leaver, graphsim.Device{Name: "NEW-LAPTOP", OperatingSystem: "Windows"}))
	w.held(id)
	w.must(programs.starter, "abort", graphsim.Leaver)
	_, err := w.report(id)
	require.Error(t, err)
	time.Sleep(2 * time.Second) // Temporal's visibility lags
	w.must(programs.starter, "start", "--detach", graphsim.Leaver)
	w.held(id)
	assert.Contains(t, w.progress(id).Waits[0].Why, "has the person been hired again?")
	assert.True(t, w.tenant.Users()[graphsim.Leaver].AccountEnabled)
	w.must(programs.starter, "reject", graphsim.Leaver)
}

// An enrolment manager has many devices, which others use: nothing is asked of them by one call, nor by a retry.
func TestAnEnrolmentManagersDevicesAreAskedByNameAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Env: []string{"LEAVER_MAX_DEVICES=20"}})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices = nil
	for i := range 40 {
		adele.Devices = append(adele.Devices, graphsim.Device{Name: fmt.Sprintf("KIOSK-%02d", i), OperatingSystem: "Windows", OwnerType: "company", EnrollmentType: "deviceEnrollmentManager"})
	}
	adele.Devices = append(adele.Devices, graphsim.Device{Name: "SHARED", OperatingSystem: "Windows", OwnerType: "company", EnrollmentType: "windowsBulkUserless"})
	w.tenant.Add(adele)
	w.start("W")
	w.held("W")
	why := w.progress("W").Approval.Why
	assert.Contains(t, why, "the leaver has 41 devices, and the worker expects 20 at most")
	assert.Contains(t, why, "41 devices that others may use")
	w.approve("W")
	w.waiting("W", leaver.StepRemoveAllDevices)
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "retryStep", "--input", `{"step":"removeAllDevices"}`)
	w.must(programs.tctl, "workflow", "signal", "--workflow_id", "W", "--name", "answer", "--input", `{"step":"removeAllDevices","choice":"retire"}`)
	w.must(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, "retire", "SHARED")
	w.arrived("POST", "/retire")
	time.Sleep(3 * time.Second) // what else would be asked is asked by then
	assert.Equal(t, 1, w.requests("POST", "/retire"))
	assert.Zero(t, w.requests("POST", "/removeAllDevicesFromManagement"))
	w.must(programs.starter, "answer", "--workflow-id", "W", graphsim.Leaver, leaver.StepRemoveAllDevices, "giveUp")
	report, err := w.report("W")
	require.NoError(t, err)
	assert.Equal(t, leaver.CompletedWithExceptions, report.Status)
	assert.Equal(t, 1, w.requests("POST", "/retire"))
}

// A device is Megan's by the time it would be wiped: it was Adele's when the devices were listed.
func TestADeviceThatIsGivenAwayAfterItWasListedIsNotWiped(t *testing.T) {
	t.Parallel()
	var w atomic.Pointer[world]
	var lists atomic.Int32
	one := newWorld(t, settings{Unrecorded: true, Hostile: func(tenant http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			tenant.ServeHTTP(rw, r)
			if listed := strings.HasSuffix(r.URL.Path, "/managedDevices"); !listed || lists.Add(1) != 2 { // the first is the plan's
				return
			}
			users := w.Load().tenant.Users()
			adele, other := users[graphsim.Leaver], users[megan]
			other.Devices, adele.Devices = append(other.Devices, adele.Devices[0]), adele.Devices[1:]
			w.Load().tenant.Add(adele, other)
		})
	}})
	w.Store(one)
	given := one.tenant.Users()[graphsim.Leaver].Devices[0].ID
	one.startWith("W", leaver.Request{UserID: graphsim.Leaver, Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{Default: leaver.Wipe}, Personal: leaver.DeviceActions{Default: leaver.Retire}}})
	one.until("the others have left", func() bool {
		return len(one.tenant.Users()[graphsim.Leaver].Devices) == 0
	})
	one.untouched(megan)
	assert.NotContains(t, one.tenant.Wiped(), given)
	one.must(programs.starter, "abort", "--workflow-id", "W", graphsim.Leaver)
}

// What Graph, and a broken connection, say stands nowhere: not in the progress, the history, or the worker's log.
func TestNoWordOfGraphsIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Unrecorded: true})
	const name, telephone = "Adele Vance", "+49 30 901820"
	message := fmt.Sprintf("Property mobilePhone of %s (%s) cannot be updated.", name, telephone)
	w.tenant.Fail(graphsim.Fault{Method: "PATCH", Status: 400, Code: "Request_BadRequest", Message: message, Times: -1})
	w.tenant.Fail(graphsim.Fault{Path: "/managedDevices", Reset: true, Times: 2})
	w.tenant.Fail(graphsim.Fault{Path: "/transitiveMemberOf", Status: 403, Code: "Authorization_RequestDenied", Message: message, Times: -1})
	w.start("W")
	w.waiting("W", leaver.StepDisableAccount)
	failure := step(w.progress("W").Report, leaver.StepDisableAccount).Failure
	assert.Contains(t, failure.Message, "Request_BadRequest")
	assert.Contains(t, failure.Message, "request-id")
	out := w.must(programs.starter, "status", "-o", "json", "--workflow-id", "W", graphsim.Leaver)
	w.must(programs.starter, "abort", "--workflow-id", "W", graphsim.Leaver)
	_, err := w.report("W")
	require.Error(t, err)
	out += w.must(programs.temporal, "workflow", "show", "--workflow-id", "W", "--address", w.server.Address, "--output", "json")
	log, err := os.ReadFile(filepath.Join(w.dir, "worker.log"))
	require.NoError(t, err)
	out += string(log)
	address, err := url.Parse(w.graphURL)
	require.NoError(t, err)
	for _, word := range []string{"Adele Vance", "Vance", "901820", "mobilePhone", address.Host, ":" + address.Port()} {
		assert.NotContains(t, out, word)
	}
}

// Names that merely look like the leaver's, and the id of a group, are not the leaver.
func TestALookalikeIsNotTheLeaver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings{Unrecorded: true, Hostile: changing("/users/kim@contoso.com", func(_ *http.Request, body map[string]any) {
		body["userPrincipalName"] = "\u212aim@contoso.com" // with the Kelvin sign
	})})
	w.tenant.Add(graphsim.User{UserPrincipalName: "kim@contoso.com", AccountEnabled: true})
	out, err := w.run(programs.starter, "start", "kim@contoso.com")
	require.Error(t, err)
	assert.Contains(t, out, "another user than the one asked for")
	w.untouched("kim@contoso.com")
	for _, r := range w.tenant.Requests() {
		assert.False(t, r.Writes(), r.Path)
	}
}

// The unlock code of a wiped Mac is a secret of the worker's: it reaches Graph, and nothing that is kept.
func TestTheUnlockCodeOfAMacIsKeptNowhere(t *testing.T) {
	t.Parallel()
	const code = "730915"
	file := filepath.Join(t.TempDir(), "code")
	require.NoError(t, os.WriteFile(file, []byte(code), 0o600))
	var sent atomic.Bool
	w := newWorld(t, settings{Unrecorded: true, Env: []string{"LEAVER_MACOS_UNLOCK_CODE_FILE=" + file, "LEAVER_LOG_LEVEL=debug"}, Hostile: func(tenant http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/wipe") {
				body, _ := io.ReadAll(r.Body)
				sent.Store(bytes.Contains(body, []byte(`"macOsUnlockCode":"`+code+`"`)))
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			tenant.ServeHTTP(rw, r)
		})
	}})
	adele := w.tenant.Users()[graphsim.Leaver]
	adele.Devices = []graphsim.Device{{Name: "MAC", OperatingSystem: "macOS", OwnerType: "company", SerialNumber: "C02"}}
	w.tenant.Add(adele)
	w.startWith("W", leaver.Request{UserID: graphsim.Leaver, Devices: &leaver.DevicePolicy{Company: leaver.DeviceActions{MacOS: leaver.Wipe}}})
	w.completed("W")
	assert.True(t, sent.Load())
	out := w.must(programs.temporal, "workflow", "show", "--workflow-id", "W", "--address", w.server.Address, "--output", "json")
	log, err := os.ReadFile(filepath.Join(w.dir, "worker.log"))
	require.NoError(t, err)
	assert.NotContains(t, out, code)
	assert.NotContains(t, string(log), code)
}
