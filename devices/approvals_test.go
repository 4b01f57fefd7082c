package devices_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
)

// approval says which request a device waits for, or waited for last.
func approval(id, code string, status leaver.ApprovalStatus) event {
	return saysOf(id, func(t *testing.T, i leaver.Item) {
		t.Helper()
		if assert.NotNil(t, i.Approval, "%s has a request", id) {
			assert.Equal(t, code, i.Approval.Code)
			assert.Equal(t, status, i.Approval.Status)
		}
	})
}

var (
	// wipeWaits is a device whose wipe a second administrator is to approve.
	wipeWaits = []event{policy(wipesWindows), sees(windows("A")), calls("wipe A"), queued("A", "c1"), is("A", leaver.AwaitingApproval), notAsked("A"), approval("A", "c1", leaver.ApprovalNeeded), watches}
	// allWait are two devices whose retirement by the one action is to be approved.
	allWait = []event{sees(windows("A"), windows("B")), calls("all A B"), queued("A B", "c1"), is("A", leaver.AwaitingApproval), is("B", leaver.AwaitingApproval), watches}
)

func TestASecondAdministratorApprovesWhatIsDoneToADevice(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"approved": then(wipeWaits,
			after(time.Hour), reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"), accepted("A"),
			is("A", leaver.Leaving), asked("A", leaver.Wipe), approval("A", "c1", leaver.ApprovalCompleted), watches,
			loses("A"), approval("A", "c1", leaver.ApprovalCompleted), ends),
		"one of two": {
			policy(wipesWindows), sees(windows("A"), windows("B")), calls("wipe A", "wipe B"), queued("A", "c1"), queued("B", "c2"),
			reads("c2", leaver.ApprovalApproved), calls("wipe B with c2"), accepted("B"), is("B", leaver.Leaving), is("A", leaver.AwaitingApproval), watches,
			reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"),
		},
		"rejected":  then(wipeWaits, reads("c1", leaver.ApprovalRejected), question("A", leaver.NotAsked, "c1 was rejected in Intune"), notAsked("A"), watches),
		"cancelled": then(wipeWaits, reads("c1", leaver.ApprovalCancelled), question("A", leaver.NotAsked, "c1 was cancelled in Intune"), watches),
		"rejected, and a person wants it nevertheless": then(wipeWaits, reads("c1", leaver.ApprovalRejected),
			chooses(wipe, "A"), calls("wipe A"), queued("A", "c2"), is("A", leaver.AwaitingApproval), approval("A", "c2", leaver.ApprovalNeeded),
			reads("c2", leaver.ApprovalRejected), chooses(leaver.Retry), looks, sees(windows("A")), calls("wipe A"), queued("A", "c3"),
			reads("c3", leaver.ApprovalApproved), calls("wipe A with c3"), accepted("A"), asked("A", leaver.Wipe)),
		"rejected, and what a person wants instead is refused: the policy's action does not replace it": then(wipeWaits, reads("c1", leaver.ApprovalRejected),
			chooses(deleteRecord, "A"), calls("deleteRecord A"), refused("A", leaver.GraphForbidden, "grant a permission"),
			question("A", leaver.NotAsked, "grant a permission"), calls(), chooses(leaver.Retry), looks, sees(windows("A")), calls("deleteRecord A")),
		"a status that is no decision is none": then(wipeWaits,
			reads("c1", "unknown"), is("A", leaver.AwaitingApproval), reads("c1", "unknownFutureValue"), is("A", leaver.AwaitingApproval), reads("c1", leaver.ApprovalNeeded), is("A", leaver.AwaitingApproval), watches),
		"gone: nobody needs to approve anything": then(wipeWaits, loses("A"), is("A", leaver.Gone), ends),
		"another one is refused meanwhile": {
			policy(wipesWindows), sees(windows("A"), windows("B")), calls("wipe A", "wipe B"), queued("A", "c1"), refused("B", leaver.GraphBadRequest, "Graph refuses it"),
			is("A", leaver.AwaitingApproval), question("B", leaver.NotAsked, "Graph refuses it"),
			offers(leaver.Approved, leaver.Retry, retire, wipe, wipeKeepUserData, deleteRecord, leaver.GiveUp),
			declines(wipe, "wipe is not for an item that awaits approval", "A"), declines(leaver.Approved, "approved is not for all of these items", "B"),
			chooses(retire), calls("retire B"), queued("B", "c2"), reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"),
		},
		"others are followed, and are late in their own time": {
			sees(windows("SILENT")), calls("all SILENT"), accepted("SILENT"),
			sees(windows("LATE")), calls("retire LATE"), queued("LATE", "c1"), watches,
			after(deadline / 2), reads("c1", leaver.ApprovalExpired), calls("retire LATE"), queued("LATE", "c2"),
			after(deadline / 2), reads("c2", leaver.ApprovalExpired), calls("retire LATE"), queued("LATE", "c3"),
			sees(windows("SILENT")), question("SILENT", leaver.Silent, "its deadline has passed"), is("LATE", leaver.AwaitingApproval), watches,
		},
	})
}

func TestTheOneActionIsApprovedForAllDevicesTogether(t *testing.T) {
	t.Parallel()
	late := then(allWait, after(time.Hour), sees(windows("LATE")), calls(), is("LATE", leaver.AwaitingApproval), approval("LATE", "c1", leaver.ApprovalNeeded))
	tell(t, stories{
		"also for one that is enrolled meanwhile": then(late,
			reads("c1", leaver.ApprovalApproved), calls("all A B LATE with c1"), accepted("A B LATE"),
			is("A", leaver.Leaving), asked("LATE", leaver.Retire), approval("LATE", "c1", leaver.ApprovalCompleted), watches),
		"also for one that is enrolled just then": then(allWait,
			reads("c1", leaver.ApprovalApproved), sees(windows("LATE")), calls("all A B LATE with c1")),
		"also where the approval is told for the late one": then(late, chooses(leaver.Approved, "LATE"), calls("all A B LATE with c1")),
		"also where the approval reaches Intune later": then(late,
			reads("c1", leaver.ApprovalApproved), calls("all A B LATE with c1"), queued("A B LATE", "c1"), is("A", leaver.AwaitingApproval), is("LATE", leaver.AwaitingApproval), calls(), watches,
			reads("c1", leaver.ApprovalApproved), calls("all A B LATE with c1"), accepted("A B LATE")),
		"one leaves by itself": then(allWait,
			sees(windows("B").state("retirePending")), is("B", leaver.Leaving), is("A", leaver.AwaitingApproval),
			reads("c1", leaver.ApprovalApproved), calls("all A B with c1")),
		"one fails afterwards: it is asked once more, by a call that is approved by itself": then(allWait,
			reads("c1", leaver.ApprovalApproved), calls("all A B with c1"), accepted("A B"),
			sees(windows("A").state("retireFailed").checkedIn()), calls("retire A again"), queued("A", "c2"), is("A", leaver.AwaitingApproval), is("B", leaver.Leaving),
			reads("c2", leaver.ApprovalApproved), calls("retire A with c2 again"), accepted("A"), is("A", leaver.Leaving),
			after(time.Hour), sees(windows("A").state("retireFailed").checkedIn()), question("A", leaver.RemovalFailed, "was asked twice")),
		"one is given up: what was approved is too much, and the other has a request of its own": then(allWait,
			chooses(leaver.GiveUp, "B"), is("B", leaver.GivenUp), is("A", leaver.AwaitingApproval),
			reads("c1", leaver.ApprovalApproved), calls("retire A"), queued("A", "c2"), is("A", leaver.AwaitingApproval),
			reads("c2", leaver.ApprovalApproved), calls("retire A with c2"), accepted("A"), is("B", leaver.GivenUp), notAsked("B")),
		"one is given up, and the list misses it just then": then(allWait,
			chooses(leaver.GiveUp, "B"), misses(windows("B")), reads("c1", leaver.ApprovalApproved), calls("retire A")),
		"one is given up and gone: the request is for those that are left": then(allWait,
			chooses(leaver.GiveUp, "B"), loses("B"), reads("c1", leaver.ApprovalApproved), calls("all A with c1")),
		"a late one would be harmed: it is a question, and the others go on by themselves": then(allWait,
			sees(android("HARM")), question("HARM", leaver.NotAsked, "retire is not supported"),
			reads("c1", leaver.ApprovalApproved), calls("retire A", "retire B"), queued("A", "c2"), queued("B", "c3"), notAsked("HARM")),
		"a list that misses one for a moment loses no approval": then(allWait,
			misses(windows("B")), reads("c1", leaver.ApprovalApproved), calls(), after(time.Minute), looks, sees(windows("B")), calls("all A B with c1")),
		"a list that misses one for good lets the others go on": then(allWait,
			misses(windows("B")), reads("c1", leaver.ApprovalApproved), calls(), after(time.Minute), looks, misses(windows("B")),
			question("B", leaver.NotAsked, "may be another user's"), calls("retire A")),
		"rejected for all": then(allWait, reads("c1", leaver.ApprovalRejected), question("A", leaver.NotAsked, "rejected"), question("B", leaver.NotAsked, "rejected"), calls(),
			chooses(leaver.GiveUp, "B"), chooses(leaver.Retry), looks, sees(windows("A")), calls("retire A")),
	})
}

func TestARequestThatExpiredIsFiledAgain(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"for one": then(wipeWaits, reads("c1", leaver.ApprovalExpired), calls("wipe A"), queued("A", "c2"), approval("A", "c2", leaver.ApprovalNeeded),
			reads("c2", leaver.ApprovalApproved), calls("wipe A with c2")),
		"for all": then(allWait, reads("c1", leaver.ApprovalExpired), calls("all A B"), queued("A B", "c2"), reads("c2", leaver.ApprovalApproved), calls("all A B with c2")),
		"for all and one that was enrolled meanwhile": then(allWait, sees(windows("LATE")), reads("c1", leaver.ApprovalExpired), calls("all A B LATE")),
		"judged anew where the owner has changed: kept": {
			policy(leaver.DevicePolicy{Company: leaver.DeviceActions{Windows: leaver.Wipe}, Personal: leaver.DeviceActions{Windows: leaver.Keep}}),
			sees(windows("A")), calls("wipe A"), queued("A", "c1"), sees(windows("A").owner("personal")), reads("c1", leaver.ApprovalExpired), is("A", leaver.Kept), ends,
		},
		"judged anew where the owner has changed: another action": {
			policy(wipesWindows), sees(windows("A")), calls("wipe A"), queued("A", "c1"), sees(windows("A").owner("personal")), reads("c1", leaver.ApprovalExpired), calls("retire A"),
		},
		"what a person chose stays": {
			sees(android("A").owner("personal")), calls("all A"), accepted("A"), after(deadline), sees(android("A").owner("personal")), chooses(deleteRecord),
			calls("deleteRecord A"), queued("A", "c1"), reads("c1", leaver.ApprovalExpired), calls("deleteRecord A"),
		},
		"where the worker may not read it: by its age": then(wipeWaits, mayNotReadApprovals, is("A", leaver.AwaitingApproval), wakes(3*day),
			after(3*day), calls("wipe A"), queued("A", "c2"), is("A", leaver.AwaitingApproval)),
		"where the worker may not read it: for all, and for a late one": then(allWait, mayNotReadApprovals, sees(windows("LATE")), is("LATE", leaver.AwaitingApproval),
			after(3*day), calls("all A B LATE")),
		"where Intune says that it waits still: not by its age": then(wipeWaits,
			after(3*day+time.Hour), reads("c1", leaver.ApprovalNeeded), is("A", leaver.AwaitingApproval), calls(), watches),
	})
}

func TestAnApprovedRequestIsJudgedOnceMore(t *testing.T) {
	t.Parallel()
	phone := android("A").owner("personal")
	tell(t, stories{
		"the policy keeps the device by now": {
			policy(leaver.DevicePolicy{Personal: leaver.DeviceActions{Android: leaver.DeleteRecord}, Company: leaver.DeviceActions{Android: leaver.Keep}}),
			sees(phone), calls("deleteRecord A"), queued("A", "c1"), sees(android("A")), reads("c1", leaver.ApprovalApproved), calls(), is("A", leaver.Kept), ends,
		},
		"it would do harm by now": {
			policy(leaver.DevicePolicy{Personal: leaver.DeviceActions{Android: leaver.DeleteRecord}, Company: leaver.DeviceActions{Android: leaver.DeleteRecord}}),
			sees(phone), calls("deleteRecord A"), queued("A", "c1"), sees(android("A")), reads("c1", leaver.ApprovalApproved), calls(), question("A", leaver.NotAsked, "resets it to factory settings"),
		},
		"the policy wants something else by now: that needs a request of its own": {
			policy(leaver.DevicePolicy{Personal: leaver.DeviceActions{Android: leaver.DeleteRecord}, Company: leaver.DeviceActions{Android: leaver.Wipe}}),
			sees(phone), calls("deleteRecord A"), queued("A", "c1"), sees(android("A")), reads("c1", leaver.ApprovalApproved), calls("wipe A"),
		},
		"the device is another user's by now": then(wipeWaits,
			misses(windows("A")), is("A", leaver.AwaitingApproval), saysOf("A", func(t *testing.T, i leaver.Item) { assert.Contains(t, i.Detail, "no longer listed") }), reads("c1", leaver.ApprovalApproved), calls(), after(time.Minute), looks,
			misses(windows("A")), question("A", leaver.NotAsked, "no longer listed for the leaver"), notAsked("A")),
		"it was rejected, and the owner has changed: it is a question all the same": then(wipeWaits,
			sees(windows("A").owner("personal")), reads("c1", leaver.ApprovalRejected), question("A", leaver.NotAsked, "rejected"), calls()),
		"somebody else has retired it, which is no wipe": then(wipeWaits,
			sees(windows("A").state("retirePending")), is("A", leaver.AwaitingApproval), notAsked("A"), reads("c1", leaver.ApprovalApproved), calls("wipe A with c1")),
	})
}

func TestACallThatCarriesACode(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"may lose its answer, and is heard where the request is completed": then(wipeWaits,
			reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"), lost("A"), is("A", leaver.Unknown), looks,
			reads("c1", leaver.ApprovalCompleted), is("A", leaver.Leaving), asked("A", leaver.Wipe), watches),
		"may lose its answer, and is heard where the device leaves": then(wipeWaits,
			reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"), lost("A"), sees(windows("A").state("wipePending")), is("A", leaver.Leaving), calls()),
		"that is refused, is a question, and files the request anew": then(allWait, mayNotReadApprovals,
			chooses(leaver.Approved), calls("all A B with c1"), refused("A B", leaver.GraphBadRequest, "the code is refused"),
			question("A", leaver.NotAsked, "the code is refused"), question("B", leaver.NotAsked, "the code is refused"), calls(), watches,
			chooses(leaver.Retry), looks, sees(windows("A"), windows("B")), calls("all A B"), queued("A B", "c2"), is("A", leaver.AwaitingApproval)),
		"that Intune has not heard of the approval for yet, is made once for each look": then(wipeWaits,
			reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"), queued("A", "c1"), is("A", leaver.AwaitingApproval), calls(), watches,
			saysOf("A", func(t *testing.T, i leaver.Item) { assert.Len(t, i.Device.Calls, 1, "nothing was asked") }),
			reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"), accepted("A")),
	})
}

// Where the worker may not read the requests, a person tells that one is approved.
func TestAnApprovalIsTold(t *testing.T) {
	t.Parallel()
	told := then(wipeWaits, mayNotReadApprovals, chooses(leaver.Approved, "A"), calls("wipe A with c1"))
	tell(t, stories{
		"and the call is made": then(told, accepted("A"), is("A", leaver.Leaving)),
		"too early: it waits again, and can be given up": then(told,
			queued("A", "c1"), is("A", leaver.AwaitingApproval), calls(), watches, offers(leaver.Approved, leaver.GiveUp),
			chooses(leaver.Approved, "A"), calls("wipe A with c1"), queued("A", "c1"), chooses(leaver.GiveUp, "A"), is("A", leaver.GivenUp)),
		"and Intune does not know it: it waits again": then(wipeWaits,
			chooses(leaver.Approved, "A"), reads("c1", leaver.ApprovalNeeded), is("A", leaver.AwaitingApproval), calls()),
		"and is not overruled by the request's age": then(wipeWaits, mayNotReadApprovals,
			after(3*day-time.Minute), chooses(leaver.Approved, "A"), after(time.Hour), calls("wipe A with c1")),
		"for one of two, while the other is given up": {
			policy(wipesWindows), sees(windows("A"), windows("B")), calls("wipe A", "wipe B"), queued("A", "c1"), queued("B", "c2"),
			chooses(leaver.Approved, "A"), calls("wipe A with c1"), accepted("A"), chooses(leaver.GiveUp), is("B", leaver.GivenUp), is("A", leaver.Leaving),
		},
	})
}

// A device that somebody gives up while it waits is not touched, whatever is decided
// about its request.
func TestWhatIsGivenUpWhileItWaitsStaysSo(t *testing.T) {
	t.Parallel()
	tell(t, stories{
		"approved afterwards": then(wipeWaits, chooses(leaver.GiveUp), reads("c1", leaver.ApprovalApproved), calls(), is("A", leaver.GivenUp), ends),
		"expired afterwards":  then(wipeWaits, chooses(leaver.GiveUp), reads("c1", leaver.ApprovalExpired), calls(), is("A", leaver.GivenUp), ends),
		"the others are retried": {
			policy(wipesWindows), sees(windows("A"), windows("B")), calls("wipe A", "wipe B"), queued("A", "c1"), queued("B", "c2"),
			reads("c1", leaver.ApprovalRejected), reads("c2", leaver.ApprovalRejected), chooses(leaver.GiveUp, "B"), chooses(leaver.Retry), looks,
			sees(windows("A"), windows("B")), calls("wipe A"), is("B", leaver.GivenUp),
		},
	})
}

// A silent device whose wipe was chosen shows the retirement still.
func TestAWipeThatIsChosenForASilentDeviceWaitsForItsApproval(t *testing.T) {
	t.Parallel()
	waits := []event{
		sees(windows("A")), calls("all A"), accepted("A"), sees(windows("A").state("retirePending")), after(deadline), sees(windows("A").state("retirePending")),
		question("A", leaver.Silent, "its deadline"), chooses(wipe), calls("wipe A"), queued("A", "c1"), is("A", leaver.AwaitingApproval), asked("A", leaver.Retire),
	}
	tell(t, stories{
		"approved":                       then(waits, reads("c1", leaver.ApprovalApproved), calls("wipe A with c1"), accepted("A"), is("A", leaver.Leaving), asked("A", leaver.Wipe), approval("A", "c1", leaver.ApprovalCompleted)),
		"rejected: the device is silent": then(waits, reads("c1", leaver.ApprovalRejected), question("A", leaver.Silent, "rejected"), asked("A", leaver.Retire), offers(leaver.WaitLonger, leaver.Retry, retire, wipe, wipeKeepUserData, deleteRecord, leaver.GiveUp)),
		"rejected, and waited for":       then(waits, reads("c1", leaver.ApprovalRejected), chooses(leaver.WaitLonger), is("A", leaver.Leaving), watches, wakes(deadline)),
	})
}
