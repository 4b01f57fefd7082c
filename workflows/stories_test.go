package workflows_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// story is an offboarding with what happens meanwhile, and its end: how the devices stand,
// which of them were wiped, and how many requests for approval were filed.
type story struct {
	request string
	prepare func(o *office)
	schedule
	status leaver.Status
	end    string
	then   func(*office, leaver.Report)
}

// schedule is what happens while an offboarding runs, however often it continues as new
// meanwhile.
type schedule []event

type event struct {
	at time.Duration
	do func(*office)
}

func at(at time.Duration, do func(*office)) event { return event{at, do} }

func signals(when time.Duration, action leaver.Action, input string) event {
	return at(when, func(o *office) { o.signal(action, input) })
}

func answers(when time.Duration, choice leaver.Choice, names ...string) event {
	return at(when, func(o *office) { o.answer(choice, names...) })
}

// decides is what a second administrator does.
func decides(when time.Duration, status string, what ...string) event {
	return at(when, func(o *office) { o.decide(status, what...) })
}

// refuses sends an update that is refused.
func refuses(when time.Duration, action leaver.Action, input, why string) event {
	return at(when, func(o *office) {
		refused := o.update(action, input)
		o.after(time.Second, func() { assert.ErrorContains(o.t, refused(), why, input) })
	})
}

func heals(when time.Duration) event { return at(when, func(o *office) { o.tenant.Heal() }) }

// expects says how the devices are to stand, and the step's state.
func expects(when time.Duration, state leaver.State, stand string) event {
	return at(when, func(o *office) {
		assert.Equal(o.t, stand, o.stands(), when)
		assert.Equal(o.t, state, o.removal().State, when)
	})
}

func (s schedule) on(o *office) {
	start, done := o.Now(), make([]bool, len(s))
	o.begin = func() {
		for i, e := range s {
			if !done[i] {
				o.after(max(time.Second, e.at-o.Now().Sub(start)), func() { done[i] = true; e.do(o) })
			}
		}
	}
}

// tell has a story happen, and something beside it.
func (s story) tell(t *testing.T, beside schedule) (*office, leaver.Report) {
	o := newOffice(t, quarterHourly)
	s.prepare(o)
	slices.Concat(s.schedule, beside).on(o)
	start := o.Now()
	report := o.ends(s.status, s.request)
	assert.WithinDuration(t, start, report.StartedAt, 0)
	if s.end != "" {
		assert.Equal(t, s.end, fmt.Sprintf("%s; %d wiped, %d filed", stands(removal(report)), len(o.tenant.Wiped()), len(o.tenant.Approvals())))
	}
	if s.then != nil {
		s.then(o, report)
	}
	for name, item := range said(removal(report)) {
		assert.Equal(t, item.Device.Verdict != leaver.Gone, slices.Contains(o.deviceIDs(), item.ID), name)
		asked := item.Device.Asked()
		assert.True(t, !slices.Contains(o.tenant.Wiped(), item.ID) || asked != nil && asked.Action == leaver.Wipe, name)
	}
	return o, report
}

const (
	h         = time.Hour
	fiveHours = `{"userId":"adele@contoso.com","deviceDeadline":"5h"}`
	entraToo  = `{"userId":"adele@contoso.com","steps":{"disableEntraDevices":{"include":true}}}`
)

// has gives Adele these devices, and no others.
func has(devices ...graphsim.Device) func(*office) {
	return func(o *office) { o.fleet(devices...) }
}

func later(name string, in time.Duration) graphsim.Device {
	return graphsim.Device{Name: name, OperatingSystem: "Windows", CheckIn: leaver.Duration(in)}
}

// wantsApproval has the tenant want a second administrator for the devices A and B.
func wantsApproval(o *office) {
	o.set(graphsim.Settings{MultiAdminApproval: true}).fleet(windows("A"), windows("B"))
}

// elsewhere gives devices that other services know too, one of which refuses for the first.
func elsewhere(o *office, devices ...graphsim.Device) {
	user := o.tenant.Users()[graphsim.Leaver]
	user.Devices, user.EntraDevices = devices, nil
	user.AppRegistrations = []graphsim.AppRegistration{{ID: "1", DeviceTag: "1"}, {ID: "2", DeviceTag: "2"}}
	o.tenant.Add(user)
	o.forbid("PATCH", o.tenant.Users()[graphsim.Leaver].EntraDevices[0].ID)
}

// Each is told once as it is, and once by a workflow that continues as new meanwhile.
var stories = map[string]story{
	"a person leaves steps out": {adele, func(o *office) { o.forbid("PATCH", "") }, schedule{
		signals(h, leaver.SkipStep, onRemoval), signals(h, leaver.SkipStep, `{"step":"disableAccount"}`), // one that has not begun, and the one that waits
	}, leaver.CompletedWithExceptions, "", func(o *office, report leaver.Report) {
		assert.Equal(o.t, "disableAccount skipped, revokeSessions done, removeAllDevices skipped", outcomes(report))
		assert.True(o.t, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
		assert.Len(o.t, o.devices(), 4)
	}},
	"a step waits for a second administrator and goes on by itself": {
		`{"userId":"adele@contoso.com","reason":"leaves on Friday","ticket":"INC-0042","onFailure":"fail","devices":{"company":{"windows":"wipe"}}}`,
		wantsApproval, schedule{
			expects(h/2, leaver.StepAwaitingApproval, "A awaitingApproval, B awaitingApproval"), at(h/2, func(o *office) {
				assert.Equal(o.t, leaver.Waiting, o.progress().Status)
				assert.Equal(o.t, "2 devices await a second administrator's approval", o.removal().Detail)
				assert.Equal(o.t, "approval [answer skipStep abort] [approved giveUp]", waits(o.progress()))
				for name, item := range said(o.removal()) {
					assert.Equal(o.t, o.filed(name).Code, item.Approval.Code)
					assert.Nil(o.t, item.Device.Asked(), "it is not asked before it is approved")
					assert.Equal(o.t, "Offboarding of a leaver: leaves on Friday (ticket INC-0042)", o.filed(name).Justification)
				}
				assert.Contains(o.t, o.currentDetails(), "**Waits for a second administrator**")
			}), refuses(h/2, leaver.RetryStep, onRemoval, "only a waiting step can be retried"), decides(h/2, "approved", "A"),
			expects(2*h, leaver.StepAwaitingApproval, "A gone, B awaitingApproval"), // one was asked, and is followed while the other waits
			decides(2*h, "approved", "B"),
		}, leaver.Completed, "A gone, B gone; 2 wiped, 2 filed", nil},
	"a person answers for one device while another awaits approval": besideApproval(func(*office) {}, ""),
	"a person answers for one device while another's approval must be told": besideApproval(func(o *office) {
		o.forbid("GET", "/operationApprovalRequests")
	}, leaver.Approved),
	"an approval is told by an answer": {wipeWindows, func(o *office) { wantsApproval(o); o.forbid("", "/operationApprovalRequests") }, schedule{
		at(h/2, func(o *office) {
			assert.Contains(o.t, o.removal().Detail, "the worker may not read how the approvals stand")
			o.decide("approved", "A")
			o.answer(leaver.Approved, "A")
		}), at(h, func(o *office) { assert.Len(o.t, o.tenant.Wiped(), 1) }), answers(h, leaver.GiveUp),
	}, leaver.CompletedWithExceptions, "A gone, B givenUp; 1 wiped, 2 filed", nil},
	"a device that was given up is not touched by a retry": {wipeWindows, wantsApproval, schedule{
		decides(h/2, "rejected", "A", "B"), answers(h, leaver.GiveUp, "B"), answers(h, "wipe", "A"), decides(3*h/2, "rejected", "A"),
		signals(5*h/2, leaver.RetryStep, onRemoval), at(3*h, func(o *office) { assert.Len(o.t, o.tenant.Approvals(), 4) }), decides(3*h, "approved", "A"),
	}, leaver.CompletedWithExceptions, "A gone, B givenUp; 1 wiped, 4 filed", nil},
	"a decision about one device is not overtaken by one about all in the same task": {wipeWindows, wantsApproval, schedule{
		decides(h/2, "rejected", "A", "B"), at(2*h, func(o *office) {
			o.set(graphsim.Settings{})
			o.SignalWorkflowSkippingWorkflowTask(string(leaver.Answer), json.RawMessage(`{"step":"removeAllDevices","choice":"giveUp","items":["`+o.deviceIDs()[1]+`"]}`))
			o.signal(leaver.RetryStep, onRemoval)
		}),
	}, leaver.CompletedWithExceptions, "A gone, B givenUp; 1 wiped, 2 filed", nil},
	"answers outlive a failure of the step": {wipeWindows, wantsApproval, schedule{
		decides(h/2, "rejected", "A", "B"), at(h, func(o *office) { o.forbid("GET", "/managedDevices") }), answers(h, leaver.GiveUp),
		at(2*h, func(o *office) { assert.Equal(o.t, leaver.GraphForbidden, o.removal().Failure.Type) }), heals(2 * h), signals(2*h, leaver.RetryStep, onRemoval),
	}, leaver.CompletedWithExceptions, "A givenUp, B givenUp; 0 wiped, 2 filed", nil}, // nothing is filed for what was given up
	"a device that is gone awaits no approval": {wipeWindows, wantsApproval, schedule{
		decides(h/2, "approved", "A"), expects(2*h, leaver.StepAwaitingApproval, "A gone, B awaitingApproval"), at(2*h, has()),
	}, leaver.Completed, "A gone, B gone; 1 wiped, 2 filed", nil},
	"a rejected request for all that is told to be approved is filed again": {adele, func(o *office) {
		o.set(graphsim.Settings{MultiAdminApproval: true, ApprovalForAll: true}).fleet(windows("A"), windows("B")).forbid("GET", "/operationApprovalRequests")
	}, schedule{
		decides(h/2, "rejected", "/removeAll"), answers(h/2, leaver.Approved), // by mistake
		expects(h, leaver.StepWaiting, "A notAsked?, B notAsked?"), signals(h, leaver.RetryStep, onRemoval),
		at(2*h, func(o *office) { assert.Len(o.t, o.tenant.Approvals(), 2) }), decides(2*h, "approved", "/removeAll"), answers(2*h, leaver.Approved),
	}, leaver.Completed, "A gone, B gone; 0 wiped, 2 filed", nil},
	"devices are followed while another awaits approval": {adele, has(silent("SILENT")), schedule{
		at(h, func(o *office) {
			o.set(graphsim.Settings{MultiAdminApproval: true}).tenant.Enroll(graphsim.Leaver, windows("LATE"))
		}),
		expects(2*h, leaver.StepAwaitingApproval, "LATE awaitingApproval, SILENT leaving"), at(2*h, func(o *office) {
			assert.Equal(o.t, "approval [answer skipStep abort] [approved giveUp], devices [skipStep abort] []", waits(o.progress()))
			o.fleet(o.devices()[1:]...)
		}), expects(3*h, leaver.StepAwaitingApproval, "LATE awaitingApproval, SILENT gone"), decides(3*h, "approved", "/retire"),
	}, leaver.Completed, "LATE gone, SILENT gone; 0 wiped, 1 filed", nil},
	"one is approved, one after it was rejected, and one given up": {wipeWindows, func(o *office) {
		o.set(graphsim.Settings{MultiAdminApproval: true}).fleet(later("A", 0), later("B", h), later("C", h))
	}, schedule{
		decides(2*h, "approved", "A"), decides(3*h, "rejected", "B"), answers(5*h, leaver.Retry, "B"),
		decides(6*h, "approved", "B"), answers(7*h, leaver.GiveUp, "C"),
	}, leaver.CompletedWithExceptions, "A gone, B gone, C givenUp; 2 wiped, 4 filed", nil},
	"whoever waits longer gets the whole deadline again, and that is no exception": {fiveHours, has(silent("A")), schedule{
		expects(4*h, leaver.StepRunning, "A leaving"), expects(6*h, leaver.StepWaiting, "A silent?"), answers(7*h, leaver.WaitLonger),
		expects(8*h, leaver.StepRunning, "A leaving"), expects(11*h, leaver.StepRunning, "A leaving"), expects(13*h, leaver.StepWaiting, "A silent?"),
		answers(14*h, leaver.WaitLonger), at(15*h, has()),
	}, leaver.Completed, "A gone; 0 wiped, 0 filed", nil},
	"a deadline": {fiveHours, has(silent("A")),
		schedule{answers(6*h, leaver.WaitLonger, "A"), answers(13*h, leaver.GiveUp, "A")}, leaver.CompletedWithExceptions, "A givenUp; 0 wiped, 0 filed", nil},
	"waiting longer is not offered for a device that was not asked": {adele, has(windows("GOES"), harm("HARM")), schedule{
		at(h, func(o *office) {
			assert.Equal(o.t, "person [retryStep skipStep abort answer] [retry wipe giveUp]", waits(o.progress()))
		}), signals(2*h, leaver.Abort, `{}`),
	}, leaver.Aborted, "GOES gone, HARM notAsked?; 0 wiped, 0 filed", nil},
	"devices on their way": {adele, has(later("A", 3*h), later("B", 5*h),
		graphsim.Device{Name: "FAILS", OperatingSystem: "Windows", CheckIn: leaver.Duration(h), Failures: 1}), nil, leaver.Completed, "A gone, B gone, FAILS gone; 0 wiped, 0 filed", nil},
	"questions": {adele, has(harm("H1"), harm("H2"), harm("H3"), later("A", 5*h)), schedule{
		answers(2*h, leaver.GiveUp, "H1"), answers(3*h, "wipe", "H2"), at(4*h, func(o *office) {
			o.fleet(slices.DeleteFunc(o.devices(), func(d graphsim.Device) bool { return d.Name == "H2" || d.Name == "H3" })...)
		}),
	}, leaver.CompletedWithExceptions, "A gone, H1 givenUp, H2 gone, H3 gone; 0 wiped, 0 filed", nil},
	"a used-up day": {wipeWindows, func(o *office) {
		o.set(graphsim.Settings{DailyWipes: 1}).fleet(later("A", 0), later("B", h))
	},
		schedule{at(5*h, func(o *office) { o.tenant.NextDay() })}, leaver.Completed, "A gone, B gone; 2 wiped, 0 filed", nil},
	"a step that asks": {adele, func(o *office) { o.fleet(later("A", 0)).forbid("PATCH", "") }, schedule{
		signals(h, leaver.RetryStep, `{"step":"disableAccount","by":"a"}`), heals(3 * h), signals(3*h, leaver.RetryStep, `{"step":"disableAccount","by":"b"}`),
	}, leaver.Completed, "", nil},
	// After the retry Graph is out of order: the look is at work when the workflow renews.
	"devices that cannot be listed": {adele, has(later("A", 7*h)), schedule{
		at(h, func(o *office) { o.forbid("GET", "/managedDevices") }), heals(2 * h), at(2*h, func(o *office) {
			o.tenant.Fail(graphsim.Fault{Method: "GET", Path: "/managedDevices", Status: 503, Times: -1})
		}), signals(2*h, leaver.RetryStep, onRemoval), heals(5 * h),
	}, leaver.Completed, "", nil},
	"steps of shape each": {`{"userId":"adele@contoso.com","steps":{"wipeManagedAppRegistrations":{"include":true},"disableEntraDevices":{"include":true},` +
		`"deleteEntraDevices":{"include":true}}}`,
		func(o *office) {
			elsewhere(o, later("A", 0), later("B", 0))
			o.forbid("DELETE", o.tenant.Users()[graphsim.Leaver].EntraDevices[1].ID).forbid("GET", "/managedAppRegistrations")
		}, schedule{
			signals(2*h, leaver.Answer, `{"step":"disableEntraDevices","choice":"giveUp"}`), heals(4 * h),
			signals(4*h, leaver.RetryStep, `{"step":"wipeManagedAppRegistrations"}`), signals(5*h, leaver.Answer, `{"step":"deleteEntraDevices","choice":"retry"}`),
		}, leaver.CompletedWithExceptions, "", nil},
	"what other services keep waits for a second administrator": approvedElsewhere(nil,
		decides(h/2, "approved", "/windowsAutopilotDeviceIdentities/ap-A"), decides(h/2, "rejected", "/windowsAutopilotDeviceIdentities/ap-B"),
		decides(h/2, "approved", "/wipeManagedAppRegistrations"), at(h, func(o *office) {
			autopilot, apps := o.progress().Steps[4], o.progress().Steps[3]
			assert.Equal(o.t, leaver.Done, apps.Outcome)
			assert.Equal(o.t, leaver.ApprovalCompleted, apps.Items[0].Approval.Status)
			assert.Equal(o.t, leaver.StepWaiting, autopilot.State)
			assert.Equal(o.t, "person [retryStep skipStep abort answer] [retry giveUp]", waits(o.progress()))
			assert.Equal(o.t, leaver.ApprovalRequired, autopilot.Failure.Type)
			assert.Equal(o.t, leaver.ApprovalRejected, autopilot.Items[1].Approval.Status)
			assert.Contains(o.t, autopilot.Items[1].Detail, "was rejected in Intune; retry asks for approval again")
		}), signals(h, leaver.Answer, `{"step":"deleteAutopilotIdentities","choice":"retry"}`), decides(2*h, "approved", "/windowsAutopilotDeviceIdentities/ap-B")),
	"what other services keep is told to be approved": approvedElsewhere(func(o *office) { o.forbid("GET", "/operationApprovalRequests") },
		at(h/2, func(o *office) {
			assert.Equal(o.t, "person [retryStep skipStep abort answer] [retry giveUp approved], person [retryStep skipStep abort answer] [retry giveUp approved]", waits(o.progress()))
			assert.Contains(o.t, o.progress().Steps[4].Items[0].Detail, "the worker may not read how the approvals stand")
			o.signal(leaver.Answer, `{"step":"deleteAutopilotIdentities","choice":"approved"}`) // by mistake
		}), at(h, func(o *office) { assert.Len(o.t, o.tenant.Users()[graphsim.Leaver].Autopilot, 2) }),
		decides(h, "approved", "ap-A", "ap-B", "/wipeManagedAppRegistrations"), signals(h, leaver.Answer, `{"step":"deleteAutopilotIdentities","choice":"approved"}`),
		signals(h, leaver.Answer, `{"step":"wipeManagedAppRegistrations","choice":"approved"}`)),
	"a device that is enrolled meanwhile": {entraToo, func(o *office) { elsewhere(o, later("A", 0)) }, schedule{
		at(h, func(o *office) { o.tenant.Enroll(graphsim.Leaver, later("LATE", h)) }), heals(2 * h),
		signals(2*h, leaver.RetryStep, `{"step":"disableEntraDevices"}`),
	}, leaver.Completed, "A gone, LATE gone; 0 wiped, 0 filed", nil},
	"a step that is left out": {adele, has(silent("A")),
		schedule{signals(3*h, leaver.SkipStep, `{"step":"removeAllDevices","reason":"broken"}`)}, leaver.CompletedWithExceptions, "", nil},
	"somebody who is hired again keeps the new laptop": {adele, has(silent("PHONE")), schedule{rehired(2 * h),
		at(20*h, func(o *office) {
			assert.Equal(o.t, "NEW notAsked, PHONE leaving", o.stands())
			assert.Equal(o.t, leaver.Waiting, o.progress().Status)
			assert.Equal(o.t, "person [continueOffboarding abort] [], devices [skipStep abort] []", waits(o.progress()))
			assert.Contains(o.t, o.progress().Waits[0].Why, "the account was found enabled again at ")
			assert.Contains(o.t, o.currentDetails(), "`continueOffboarding`")
		}), refuses(20*h, leaver.ContinueOffboarding, onRemoval, "takes none"), signals(21*h, leaver.Abort, `{}`),
	}, leaver.Aborted, "NEW notAsked, PHONE leaving; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Nil(o.t, said(removal(report))["NEW"].Device.Asked())
		assert.True(o.t, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
		assert.Equal(o.t, 1, o.requested("POST", "FromManagement")+o.requested("POST", "/retire"))
	}},
	"an account that is enabled again may be meant to": {adele, has(silent("PHONE")), schedule{rehired(2 * h),
		refuses(h, leaver.ContinueOffboarding, `{}`, "the account was not found enabled again"),
		signals(20*h, leaver.ContinueOffboarding, `{"by":"it@contoso.com","reason":"a test of the mailbox"}`),
		expects(30*h, leaver.StepRunning, "NEW gone, PHONE leaving"), at(30*h, has()),
	}, leaver.Completed, "NEW gone, PHONE gone; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Equal(o.t, "a test of the mailbox", report.EnabledAgain.Continued.Reason)
	}},
	"an account that is enabled again where nobody is asked": {`{"userId":"adele@contoso.com","onFailure":"fail"}`, has(silent("PHONE")), schedule{rehired(2 * h)},
		leaver.Incomplete, "NEW notAsked, PHONE leaving; 0 wiped, 0 filed", nil},
	"no step changes anything once the account is enabled again": {`{"userId":"adele@contoso.com","steps":{"disableEntraDevices":{"include":true},"wipeManagedAppRegistrations":{"include":true}}}`,
		func(o *office) { elsewhere(o, windows("A")); o.forbid("POST", "/revokeSignInSessions") }, schedule{
			heals(h), at(h, enabled), signals(h, leaver.RetryStep, `{"step":"revokeSessions"}`), at(2*h, func(o *office) {
				assert.Equal(o.t, "disableAccount done, revokeSessions , removeAllDevices , wipeManagedAppRegistrations , disableEntraDevices ", outcomes(o.progress().Report))
				assert.Equal(o.t, "person [continueOffboarding abort] []", waits(o.progress()))
				assert.Equal(o.t, 1, o.requested("POST", "/revokeSignInSessions"), "it was refused before")
			}), signals(3*h, leaver.ContinueOffboarding, `{}`),
		}, leaver.Completed, "A gone; 0 wiped, 0 filed", nil},
	"no item is changed once the account is enabled again": {entraToo, func(o *office) { elsewhere(o, windows("A"), windows("B")) }, schedule{
		heals(h), at(h, enabled), signals(h, leaver.Answer, `{"step":"disableEntraDevices","choice":"retry"}`), at(2*h, func(o *office) {
			assert.Equal(o.t, "person [continueOffboarding abort] []", waits(o.progress()))
			assert.True(o.t, o.tenant.Users()[graphsim.Leaver].EntraDevices[0].AccountEnabled)
		}), signals(3*h, leaver.ContinueOffboarding, `{}`),
	}, leaver.Completed, "A gone, B gone; 0 wiped, 0 filed", func(o *office, _ leaver.Report) {
		assert.False(o.t, o.tenant.Users()[graphsim.Leaver].EntraDevices[0].AccountEnabled)
	}},
	"a decision about somebody else, or about nothing that is named": {adele, has(harm("HARM"), silent("PHONE")), schedule{
		refuses(h, leaver.Answer, `{"step":"removeAllDevices","choice":"wipe","userId":"adele@contoso.com"}`, "items: are missing"),
		refuses(h, leaver.Abort, `{"userId":"megan@contoso.com"}`, "userId: this offboarding is of another user"),
		refuses(h, leaver.Abort, "{\"userId\":\"adele@\u212acontoso.com\"}", "userId: this offboarding is of another user"),
		at(2*h, func(o *office) {
			assert.Equal(o.t, "HARM notAsked?, PHONE leaving", o.stands())
			assert.Empty(o.t, o.removal().Decisions)
			o.signal(leaver.Answer, fmt.Sprintf(`{"step":"removeAllDevices","choice":"giveUp","userId":"{%s}"}`, strings.ToUpper(o.progress().Leaver.ID)))
		}), signals(3*h, leaver.SkipStep, `{"step":"removeAllDevices","userId":"ADELE@contoso.com"}`),
	}, leaver.CompletedWithExceptions, "HARM givenUp, PHONE leaving; 0 wiped, 0 filed", nil},
	"a plan that must be approved": {adele, administrator, schedule{at(h, func(o *office) {
		assert.Equal(o.t, "person [approve reject abort] []", waits(o.progress()))
		assert.Contains(o.t, o.progress().Waits[0].Why, "the plan must be approved before anything is touched (0 of 1): the user holds a directory role")
		assert.Equal(o.t, leaver.Waiting, o.progress().Status)
		assert.Contains(o.t, o.currentDetails(), "**Waits for a person**: the plan must be approved")
		assert.True(o.t, o.tenant.Users()[graphsim.Leaver].AccountEnabled)
	}), refuses(h, leaver.Approve, `{}`, "by: is missing"), refuses(h, leaver.Approve, `{"by":"x","userId":"megan@contoso.com"}`, "another user"),
		refuses(h, leaver.RetryStep, onRemoval, "only a waiting step"),
		signals(2*h, leaver.Approve, `{"by":"it@contoso.com","reason":"INC-0042"}`), refuses(3*h, leaver.Reject, `{}`, "no plan waits for this"),
	}, leaver.Completed, "A gone; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		require.Len(o.t, report.Approval.Given, 1)
		assert.Equal(o.t, "INC-0042", report.Approval.Given[0].Reason)
		for _, r := range o.tenant.Requests() {
			assert.False(o.t, r.Writes() && r.At.Before(report.StartedAt.Add(2*h)), r.Path)
		}
	}},
	"a plan that is rejected": {adele, administrator, schedule{signals(2*h, leaver.Reject, `{"by":"it@contoso.com","reason":"the wrong Adele"}`)},
		leaver.Rejected, "", untouched},
	"a plan that must be approved is aborted": {adele, administrator, schedule{signals(2*h, leaver.Abort, `{}`)}, leaver.Aborted, "", untouched},
	"an abort": {adele, has(silent("A"), harm("H")), schedule{signals(3*h, leaver.Abort, `{"by":"x"}`)}, leaver.Aborted, "", nil},
	"a cancel": {adele, has(silent("A")), schedule{at(3*h, (*office).cancel)}, leaver.CanceledStatus, "", nil},
	// Each is a question in its own time, and none of them keeps the others from being followed.
	"a question about one device holds up no other": {adele, has(windows("GONE"),
		graphsim.Device{Name: "FAILS", OperatingSystem: "Windows", Failures: 2}, silent("SILENT"), harm("HARM")), schedule{
		expects(h, leaver.StepWaiting, "FAILS failed?, GONE gone, HARM notAsked?, SILENT leaving"), at(h, func(o *office) {
			fails := said(o.removal())["FAILS"].Device
			assert.True(o.t, len(fails.Calls) == 2 && fails.Asked().Again, "it was asked again meanwhile")
			assert.Equal(o.t, "1 device is on its way; 2 devices for a person to decide about; 1 device gone", o.removal().Detail)
			assert.Equal(o.t, "person [retryStep skipStep abort answer] [waitLonger retry retire wipe wipeKeepUserData deleteRecord giveUp], "+
				"devices [skipStep abort] []", waits(o.progress()))
			assert.Equal(o.t, leaver.Waiting, o.progress().Status)
			assert.Contains(o.t, o.currentDetails(), "**Waits for a person**: removeAllDevices")
			devices := o.devices()
			devices[slices.IndexFunc(devices, func(d graphsim.Device) bool { return d.Name == "HARM" })].CheckIn = 0
			o.fleet(devices...).answer("wipe", "HARM")
		}), expects(2*h, leaver.StepWaiting, "FAILS failed?, GONE gone, HARM gone, SILENT leaving"), // it did not wait for the answer about the other
		answers(2*h, leaver.GiveUp), expects(3*h, leaver.StepRunning, "FAILS givenUp, GONE gone, HARM gone, SILENT leaving"),
		at(3*h, func(o *office) { o.fleet(o.devices()[0]) }),
	}, leaver.CompletedWithExceptions, "FAILS givenUp, GONE gone, HARM gone, SILENT gone; 1 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Equal(o.t, "3 devices gone; 1 device left as decided", removal(report).Detail)
	}},
	"without people all that can leave is followed": withoutPeople("continue"), // done never hides an item that failed
	"without people who fail it all":                withoutPeople("fail"),
	"what failed is retried by the step":            retried(func(o *office) { o.signal(leaver.RetryStep, onRemoval) }),
	"what failed is retried by the device":          retried(func(o *office) { o.answer(leaver.Retry, "B") }),
	// A device that somebody takes out of Intune by hand, whether a person says anything or not.
	"a question answers itself":                   answersItself(func(*office) {}),
	"a question answers itself after a retry":     answersItself(func(o *office) { o.signal(leaver.RetryStep, onRemoval) }),
	"a question answers itself as it is given up": answersItself(func(o *office) { o.answer(leaver.GiveUp) }),
	// What was done before is in the report whoever stops the step meanwhile.
	"a day that is used up for one device hides nothing": {adele, func(o *office) {
		o.set(graphsim.Settings{DailyWipes: 1}).fleet(silent("GOES"), harm("H1"), harm("H2"), harm("H3"), harm("H4"))
	}, schedule{
		answers(h, "wipe", "H1"), answers(3*h/2, "wipe", "H2", "H4"), at(2*h, func(o *office) {
			assert.Equal(o.t, leaver.StepWaiting, o.removal().State)
			assert.Contains(o.t, o.removal().Detail, "the tenant's daily limit for this is used up, waiting until tomorrow")
			items := said(o.removal())
			assert.Equal(o.t, leaver.Wipe, items["H1"].Device.Asked().Action)
			assert.Equal(o.t, leaver.NotAsked, items["H2"].Device.Verdict)
			assert.Equal(o.t, leaver.Choice(leaver.Wipe), items["H2"].Choice)
		}), answers(2*h, leaver.GiveUp, "H3", "H4"), // H4's choice is taken back, which needs no write
		expects(3*h, leaver.StepRunning, "GOES leaving, H1 leaving, H2 notAsked, H3 givenUp, H4 givenUp"), signals(3*h, leaver.SkipStep, onRemoval),
	}, leaver.CompletedWithExceptions, "GOES leaving, H1 leaving, H2 notAsked, H3 givenUp, H4 givenUp; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Empty(o.t, o.progress().Refused)
		assert.Equal(o.t, leaver.Wipe, said(removal(report))["H1"].Device.Asked().Action)
		assert.Nil(o.t, said(removal(report))["H2"].Device.Asked())
		assert.LessOrEqual(o.t, o.requested("POST", "/wipe"), 3, "tomorrow is waited for")
	}},
	// An answer for all does not overrule one for a device.
	"an answer may be changed until it is acted on": {adele, has(silent("GOES"), harm("A"), harm("B"), harm("C")), schedule{
		at(h, func(o *office) {
			for _, answer := range [][2]string{{"wipe", "A"}, {"wipe", "B"}, {"giveUp", "A"}} {
				input := fmt.Sprintf(`{"step":"removeAllDevices","choice":%q,"items":[%q]}`, answer[0], said(o.removal())[answer[1]].ID)
				o.SignalWorkflowSkippingWorkflowTask(string(leaver.Answer), json.RawMessage(input))
			}
			o.answer(leaver.GiveUp)
		}), at(2*h, func(o *office) { assert.Empty(o.t, o.progress().Refused) }), signals(2*h, leaver.Abort, `{}`),
	}, leaver.Aborted, "A givenUp, B leaving, C givenUp, GOES leaving; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Nil(o.t, said(removal(report))["A"].Device.Asked())
		assert.Equal(o.t, leaver.Wipe, said(removal(report))["B"].Device.Asked().Action)
	}},
	"a choice that Intune does not answer can be taken back":      takenBack(2*h, leaver.StepRunning, "GOES leaving, H leaving"),
	"a choice that Intune did not do for a day can be taken back": takenBack(26*h, leaver.StepWaiting, "GOES leaving, H unknown?"),
	// The device whose chosen wipe Intune did not do leaves by itself.
	"a choice that is left over makes no hot loop": {adele, func(o *office) {
		o.fleet(harm("H")).tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[0] + "/wipe", Status: 500, Times: -1})
	}, schedule{answers(h, "wipe", "H"), at(h+2*time.Minute, has())}, leaver.Completed, "H gone; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Less(o.t, o.requested("GET", "/managedDevices"), 20)
		assert.Len(o.t, said(removal(report))["H"].Device.Calls, 1)
		assert.Less(o.t, report.EndedAt.Sub(report.StartedAt), 24*h)
	}},
	// It is found and asked, and what comes after is done for it too.
	"a device that is enrolled when the others have left": {`{"userId":"adele@contoso.com","steps":{"disableEntraDevices":{"include":true},` +
		`"deleteAutopilotIdentities":{"include":true}}}`,
		func(o *office) { elsewhere(o, windows("FIRST")) }, schedule{at(h, func(o *office) {
			assert.Equal(o.t, leaver.Done, o.removal().Outcome)
			assert.Equal(o.t, leaver.StepWaiting, o.progress().Steps[4].State)
			o.tenant.Enroll(graphsim.Leaver, windows("LATE"))
		}), heals(h), signals(h, leaver.RetryStep, `{"step":"disableEntraDevices"}`),
		}, leaver.Completed, "FIRST gone, LATE gone; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
			for name, item := range said(removal(report)) {
				assert.NotNil(o.t, item.Device.Asked(), name)
			}
			for _, step := range report.Steps[3:] {
				assert.Len(o.t, step.Items, 2, step.Name)
			}
			for _, d := range o.tenant.Users()[graphsim.Leaver].EntraDevices {
				assert.False(o.t, d.AccountEnabled)
			}
		}},
	"what was seen stays in the report when the step fails for another reason": {
		`{"userId":"adele@contoso.com","onFailure":"continue","steps":{"disableEntraDevices":{"include":true}}}`,
		has(windows("GONE"), silent("SILENT")), schedule{
			at(3*h/2, func(o *office) { o.forbid("GET", "/users/"+o.tenant.Users()[graphsim.Leaver].ID+"/managedDevices") }),
		}, leaver.Incomplete, "GONE gone, SILENT leaving; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
			assert.Equal(o.t, leaver.GraphForbidden, removal(report).Failure.Type)
			assert.Equal(o.t, "disableAccount done, revokeSessions done, removeAllDevices failed, disableEntraDevices done", outcomes(report))
			assert.Equal(o.t, "1 item changed; 1 device not seen to leave Intune and not touched", report.Steps[3].Detail)
		}},
	// A refusal that concerns every device alike keeps those from being asked that were not yet.
	"what a removal has done that is left out half-way is in the report": {wipeWindows, func(o *office) {
		o.fleet(windows("GONE"), windows("REFUSED")).tenant.Fail(graphsim.Fault{
			Path: o.deviceIDs()[1] + "/wipe", Times: -1, Status: 401, Code: "InvalidAuthenticationToken"})
	}, schedule{at(h/2, func(o *office) {
		assert.Equal(o.t, leaver.GraphUnauthorized, o.removal().Failure.Type)
		o.tenant.Enroll(graphsim.Leaver, windows("LATE"))
	}), signals(5*h, leaver.SkipStep, onRemoval),
	}, leaver.CompletedWithExceptions, "GONE gone, LATE notAsked?, REFUSED notAsked?; 1 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Equal(o.t, "disableAccount done, revokeSessions done, removeAllDevices skipped", outcomes(report))
		for name, item := range said(removal(report)) {
			assert.True(o.t, name == "GONE" || item.Failure == leaver.GraphUnauthorized, name)
		}
	}},
	"a rejected approval is a failure of the step": {
		`{"userId":"adele@contoso.com","onFailure":"fail","devices":{"company":{"windows":"wipe"}}}`, wantsApproval, schedule{
			decides(h/2, "approved", "A"), decides(h/2, "rejected", "B"),
		}, leaver.Incomplete, "A gone, B notAsked?; 1 wiped, 2 filed", func(o *office, report leaver.Report) {
			assert.Equal(o.t, leaver.Failed, removal(report).Outcome)
			assert.Contains(o.t, said(removal(report))["B"].Detail, "rejected")
		}},
	// Somebody's request that expires again and again is no reason to wait longer for a silent device.
	"a deadline is not moved by requests that expire": {fiveHours, has(silent("SILENT")), schedule{
		at(h, func(o *office) {
			o.set(graphsim.Settings{MultiAdminApproval: true}).tenant.Enroll(graphsim.Leaver, windows("LATE"))
		}),
		decides(2*h, "expired", "/retire"), decides(3*h, "expired", "/retire"), decides(4*h, "expired", "/retire"), decides(5*h, "expired", "/retire"),
		decides(6*h, "expired", "/retire"), decides(7*h, "expired", "/retire"), decides(8*h, "expired", "/retire"),
		expects(9*h, leaver.StepWaiting, "LATE awaitingApproval, SILENT silent?"), signals(9*h, leaver.Abort, `{}`),
	}, leaver.Aborted, "LATE awaitingApproval, SILENT silent?; 0 wiped, 8 filed", nil},
	// It is a question at the deadline, whenever the devices are looked at; it is in the report while a person is waited for, and after.
	"a device that remains stands in the report": {fiveHours, has(windows("GOES"), silent("SILENT")), schedule{
		expects(7*h, leaver.StepWaiting, "GOES gone, SILENT silent?"), at(7*h, func(o *office) {
			p := o.progress()
			assert.Equal(o.t, "person [retryStep skipStep abort answer] [waitLonger retry retire wipe wipeKeepUserData deleteRecord giveUp]", waits(p))
			assert.InDelta(o.t, 5, p.Waits[0].Since.Sub(p.StartedAt).Hours(), 0.1)
			assert.Equal(o.t, leaver.DevicesRemain, o.removal().Failure.Type)
		}), signals(7*h, leaver.SkipStep, onRemoval),
	}, leaver.CompletedWithExceptions, "GOES gone, SILENT silent?; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Equal(o.t, leaver.DevicesRemain, removal(report).Failure.Type)
	}},
}

// besideApproval is a device that waits for a second administrator, and another that is
// refused: both are asked about, each in its own way, and neither holds up the other.
func besideApproval(prepare func(*office), told leaver.Choice) story {
	return story{wipeWindows, func(o *office) {
		wantsApproval(o)
		o.tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[1] + "/wipe", Status: 400, Code: "BadRequest", Times: -1})
		prepare(o)
	}, schedule{expects(h, leaver.StepWaiting, "A awaitingApproval, B notAsked?"), at(h, func(o *office) {
		assert.Equal(o.t, "person [retryStep skipStep abort answer] [retry retire wipe wipeKeepUserData deleteRecord giveUp], "+
			"approval [answer skipStep abort] [approved giveUp]", waits(o.progress()))
		assert.Contains(o.t, o.currentDetails(), "**Waits for a person**: removeAllDevices (GraphBadRequest)")
		assert.Contains(o.t, o.currentDetails(), "**Waits for a second administrator**")
		items := `{"step":"removeAllDevices","choice":%q,"items":[%q]}`
		refuses(0, leaver.Answer, fmt.Sprintf(items, "wipe", o.deviceIDs()[0]), "choice: wipe is not for an item that awaits approval").do(o)
		refuses(0, leaver.Answer, fmt.Sprintf(items, "approved", o.deviceIDs()[1]), "choice: approved is not for all of these items").do(o)
	}), answers(3*h/2, "retire"), at(2*h, func(o *office) {
		assert.Len(o.t, o.tenant.Approvals(), 2, "the other one's retirement waits too now")
		o.decide("approved", "A", o.deviceIDs()[1]+"/retire")
		if told != "" {
			o.answer(told)
		}
	})}, leaver.Completed, "A gone, B gone; 1 wiped, 2 filed", nil}
}

func withoutPeople(onFailure string) story {
	return story{`{"userId":"adele@contoso.com","onFailure":"` + onFailure + `"}`,
		has(graphsim.Device{Name: "FAILS", OperatingSystem: "Windows", Failures: 1}, harm("HARM"), later("A", 3*h)), nil,
		leaver.Incomplete, "A gone, FAILS gone, HARM notAsked?; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
			assert.Equal(o.t, leaver.Failed, removal(report).Outcome)
			assert.Contains(o.t, removal(report).Detail, "1 device for a person to decide about")
		}}
}

// retried is what was refused and is asked again, as often as a person wants.
func retried(retry func(*office)) story {
	again := func(calls int) event {
		return at(time.Duration(calls)*h, func(o *office) {
			assert.Equal(o.t, "A gone, B notAsked?", o.stands())
			assert.Equal(o.t, leaver.GraphBadRequest, said(o.removal())["B"].Failure)
			assert.Len(o.t, said(o.removal())["B"].Device.Calls, calls)
			retry(o)
		})
	}
	return story{wipeWindows, func(o *office) {
		o.fleet(windows("A"), windows("B")).tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[1] + "/wipe", Times: 2, Status: 400, Code: "BadRequest", Message: "The device cannot be wiped."})
	}, schedule{again(1), again(2)}, leaver.Completed, "A gone, B gone; 2 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Equal(o.t, leaver.Done, removal(report).Outcome)
		assert.Len(o.t, said(removal(report))["B"].Device.Calls, 3)
	}}
}

func answersItself(then func(*office)) story {
	return story{`{"userId":"adele@contoso.com","devices":{"company":{"windows":"wipe"}},"steps":{"disableEntraDevices":{"include":true}}}`, func(o *office) {
		o.fleet(windows("REFUSED")).tenant.Fail(graphsim.Fault{Path: "/wipe", Status: 400, Code: "BadRequest", Times: -1})
	}, schedule{expects(h, leaver.StepWaiting, "REFUSED notAsked?"), at(h, func(o *office) {
		assert.Len(o.t, o.progress().Waits, 1, "a question is all that is left")
		then(o.fleet())
	})}, leaver.Completed, "REFUSED gone; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Equal(o.t, leaver.Done, report.Steps[3].Outcome, "its device object is disabled")
		assert.Less(o.t, report.EndedAt.Sub(report.StartedAt), 6*h)
	}}
}

// takenBack is a decision that cannot be carried out.
func takenBack(when time.Duration, state leaver.State, stand string) story {
	return story{adele, func(o *office) {
		o.fleet(silent("GOES"), harm("H")).tenant.Fail(graphsim.Fault{Path: o.deviceIDs()[1] + "/wipe", Status: 500, Times: -1})
	}, schedule{answers(h, "wipe", "H"), expects(when, state, stand), at(when, func(o *office) {
		assert.Equal(o.t, state == leaver.StepWaiting, strings.Contains(said(o.removal())["H"].Detail, "Intune has not done it for a day"))
	}), answers(when, leaver.GiveUp, "H"), at(when+h, func(o *office) { assert.Empty(o.t, o.progress().Refused) }),
		expects(when+h, leaver.StepRunning, "GOES leaving, H givenUp"), signals(when+h, leaver.Abort, `{}`),
	}, leaver.Aborted, "GOES leaving, H givenUp; 0 wiped, 0 filed", func(o *office, report leaver.Report) {
		assert.Equal(o.t, leaver.CallUnknown, said(removal(report))["H"].Device.Asked().Answer)
	}}
}

// approvedElsewhere is a story whose devices leave at once, while what Autopilot and apps keep of them waits for a
// second administrator.
func approvedElsewhere(prepare func(*office), schedule ...event) story {
	return story{`{"userId":"adele@contoso.com","ticket":"INC-0042","steps":{"wipeManagedAppRegistrations":{"include":true},"deleteAutopilotIdentities":{"include":true}}}`, func(o *office) {
		o.set(graphsim.Settings{MultiAdminApproval: true, ApprovalForRest: true})
		user := o.tenant.Users()[graphsim.Leaver]
		user.Devices, user.EntraDevices, user.AppRegistrations = nil, nil, []graphsim.AppRegistration{{ID: "1", DeviceTag: "1"}}
		for _, name := range []string{"A", "B"} {
			user.Devices = append(user.Devices, graphsim.Device{ID: "md-" + name, Name: name, OperatingSystem: "Windows", SerialNumber: "SN-" + name})
			user.Autopilot = append(user.Autopilot, graphsim.AutopilotIdentity{ID: "ap-" + name, SerialNumber: "SN-" + name, ManagedDeviceID: "md-" + name})
		}
		o.tenant.Add(user)
		if prepare != nil {
			prepare(o)
		}
	}, schedule, leaver.Completed, "", func(o *office, _ leaver.Report) {
		user := o.tenant.Users()[graphsim.Leaver]
		assert.Empty(o.t, user.Autopilot)
		assert.Empty(o.t, user.AppRegistrations)
		for _, request := range o.tenant.Approvals() {
			assert.Contains(o.t, []string{"completed", "rejected"}, request.Status)
			assert.Equal(o.t, "Offboarding of a leaver (ticket INC-0042)", request.Justification)
		}
	}}
}

// enabled is somebody who enables Adele's account again, and rehired somebody who gives her a laptop besides.
func enabled(o *office) {
	user := o.tenant.Users()[graphsim.Leaver]
	user.AccountEnabled = true
	o.tenant.Add(user)
}

func rehired(when time.Duration) event {
	return at(when, func(o *office) {
		enabled(o)
		o.tenant.Enroll(graphsim.Leaver, windows("NEW"))
	})
}

// administrator makes Adele hold a directory role, and gives her one device.
func administrator(o *office) {
	o.fleet(windows("A"))
	user := o.tenant.Users()[graphsim.Leaver]
	user.Roles = []graphsim.Role{{ID: "r1"}}
	o.tenant.Add(user)
}

func untouched(o *office, report leaver.Report) {
	assert.Equal(o.t, "disableAccount notStarted, revokeSessions notStarted, removeAllDevices notStarted", outcomes(report))
	for _, r := range o.tenant.Requests() {
		assert.False(o.t, r.Writes(), r.Path)
	}
}
