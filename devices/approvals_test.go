package devices_test

import (
	"testing"

	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
)

var (
	// wipeWaits is a device whose wipe a second administrator is to approve.
	wipeWaits = []event{wipesWindows,
		sees("A"), calls("wipe A"), queued("A c1"), is("A awaitingApproval"), asked("A nothing"), approval("A c1 needsApproval"), watches}
	// allWait are two devices whose retirement by the one action is to be approved.
	allWait = []event{sees("A", "B"), calls("all A B"), queued("A B c1"), is("A awaitingApproval", "B awaitingApproval"), watches}
)

func TestASecondAdministratorApprovesWhatIsDoneToADevice(t *testing.T) {
	// A silent device whose wipe was chosen shows the retirement still.
	chosen := []event{sees("A"), makes("all A"), sees("A retirePending"), after(deadline), sees("A retirePending"), asks("A silent", late),
		chooses("wipe"), calls("wipe A"), queued("A c1"), is("A awaitingApproval"), asked("A retire")}
	tell(t, stories{
		"approved": then(wipeWaits, after(hour), reads("c1 approved"), makes("wipe A with c1"),
			is("A leaving"), asked("A wipe"), approval("A c1 completed"), watches, loses("A"), approval("A c1 completed"), ends),
		"one of two": {wipesWindows, sees("A", "B"), calls("wipe A", "wipe B"), queued("A c1"), queued("B c2"), reads("c2 approved"),
			makes("wipe B with c2"), is("B leaving", "A awaitingApproval"), watches, reads("c1 approved"), calls("wipe A with c1")},
		"cancelled": then(wipeWaits, reads("c1 cancelled"), asks("A notAsked", "c1 was cancelled in Intune"), watches),
		"rejected, and a person wants it nevertheless": then(wipeWaits,
			reads("c1 rejected"), asks("A notAsked", "c1 was rejected in Intune"), asked("A nothing"), watches,
			chooses("wipe", "A"), calls("wipe A"), queued("A c2"), is("A awaitingApproval"), approval("A c2 needsApproval"), reads("c2 rejected"),
			chooses("retry"), looks, sees("A"), calls("wipe A"), queued("A c3"), reads("c3 approved"), makes("wipe A with c3"), asked("A wipe")),
		"rejected, and what a person wants instead is refused: the policy's action does not replace it": then(wipeWaits,
			reads("c1 rejected"), chooses("deleteRecord", "A"), calls("deleteRecord A"), refused("A", "grant a permission"),
			asks("A notAsked", "grant a permission"), calls(), chooses("retry"), looks, sees("A"), calls("deleteRecord A")),
		"a status that is no decision is none": then(wipeWaits, reads("c1 unknown"), is("A awaitingApproval"),
			reads("c1 unknownFutureValue"), is("A awaitingApproval"), reads("c1 needsApproval"), is("A awaitingApproval"), watches),
		"gone: nobody needs to approve anything": then(wipeWaits, loses("A"), is("A gone"), ends),
		"another one is refused meanwhile": {wipesWindows,
			sees("A", "B"), calls("wipe A", "wipe B"), queued("A c1"), refusedAs(leaver.GraphBadRequest, "B", "Graph refuses it"),
			is("A awaitingApproval"), asks("B notAsked", "Graph refuses it"), offers(append([]leaver.Choice{"approved"}, allChoices[1:]...)...),
			declines("wipe", "wipe is not for an item that awaits approval", "A"),
			declines("approved", "approved is not for all of these items", "B"),
			chooses("retire"), calls("retire B"), queued("B c2"), reads("c1 approved"), calls("wipe A with c1")},
		"others are followed, and are late in their own time": {sees("SILENT"), makes("all SILENT"),
			sees("LATE"), calls("retire LATE"), queued("LATE c1"), watches,
			after(deadline / 2), reads("c1 expired"), calls("retire LATE"), queued("LATE c2"), after(deadline / 2), reads("c2 expired"),
			calls("retire LATE"), queued("LATE c3"), sees("SILENT"), asks("SILENT silent", late), is("LATE awaitingApproval"), watches},
		"given up, and approved afterwards: it is not touched": then(wipeWaits,
			chooses("giveUp"), reads("c1 approved"), calls(), is("A givenUp"), ends),
		"given up, and expired afterwards: it is not touched": then(wipeWaits,
			chooses("giveUp"), reads("c1 expired"), calls(), is("A givenUp"), ends),
		"given up, while the others are retried": {wipesWindows,
			sees("A", "B"), calls("wipe A", "wipe B"), queued("A c1"), queued("B c2"), reads("c1 rejected"),
			reads("c2 rejected"), chooses("giveUp", "B"), chooses("retry"), looks, sees("A", "B"), calls("wipe A"), is("B givenUp")},
		"chosen for a silent device, and approved": then(chosen,
			reads("c1 approved"), makes("wipe A with c1"), is("A leaving"), asked("A wipe"), approval("A c1 completed")),
		"chosen for a silent device, and rejected: it is silent, and may be waited for": then(chosen,
			reads("c1 rejected"), asks("A silent", "rejected"), asked("A retire"), offers(allChoices...),
			chooses("waitLonger"), is("A leaving"), watches, wakes(deadline)),
	})
}

func TestTheOneActionIsApprovedForAllDevicesTogether(t *testing.T) {
	joined := then(allWait, after(hour), sees("LATE"), calls(), is("LATE awaitingApproval"), approval("LATE c1 needsApproval"))
	tell(t, stories{
		"also for one that is enrolled meanwhile": then(joined,
			reads("c1 approved"), makes("all A B LATE with c1"), is("A leaving"), asked("LATE retire"), approval("LATE c1 completed"), watches),
		"also for one that is enrolled just then":          then(allWait, reads("c1 approved"), sees("LATE"), calls("all A B LATE with c1")),
		"also where the approval is told for the late one": then(joined, chooses("approved", "LATE"), calls("all A B LATE with c1")),
		"also where the approval reaches Intune later": then(joined, reads("c1 approved"), calls("all A B LATE with c1"), queued("A B LATE c1"),
			is("A awaitingApproval", "LATE awaitingApproval"), calls(), watches, reads("c1 approved"), makes("all A B LATE with c1")),
		"one leaves by itself": then(allWait,
			sees("B retirePending"), is("B leaving", "A awaitingApproval"), reads("c1 approved"), calls("all A B with c1")),
		"one fails afterwards: it is asked once more, by a call that is approved by itself": then(allWait,
			reads("c1 approved"), makes("all A B with c1"),
			sees("A retireFailed checkedIn"), calls("retire A again"), queued("A c2"), is("A awaitingApproval", "B leaving"), reads("c2 approved"),
			makes("retire A with c2 again"), is("A leaving"), after(hour), sees("A retireFailed checkedIn"), asks("A failed", twice)),
		"one is given up: what was approved is too much, and the other has a request of its own": then(allWait,
			chooses("giveUp", "B"), is("B givenUp", "A awaitingApproval"), reads("c1 approved"), calls("retire A"),
			queued("A c2"), is("A awaitingApproval"), reads("c2 approved"), makes("retire A with c2"), is("B givenUp"), asked("B nothing")),
		"one is given up, and the list misses it just then": then(allWait,
			chooses("giveUp", "B"), misses("B"), reads("c1 approved"), calls("retire A")),
		"one is given up and gone: the request is for those that are left": then(allWait,
			chooses("giveUp", "B"), loses("B"), reads("c1 approved"), calls("all A with c1")),
		"a late one would be harmed: it is a question, and the others go on by themselves": then(allWait,
			sees("HARM Android"), asks("HARM notAsked", "retire is not supported"),
			reads("c1 approved"), calls("retire A", "retire B"), queued("A c2"), queued("B c3"), asked("HARM nothing")),
		"a list that misses one for a moment loses no approval": then(allWait,
			misses("B"), reads("c1 approved"), calls(), after(minute), looks, sees("B"), calls("all A B with c1")),
		"a list that misses one for good lets the others go on": then(allWait, misses("B"),
			reads("c1 approved"), calls(), after(minute), looks, misses("B"), asks("B notAsked", "may be another user's"), calls("retire A")),
		"rejected for all": then(allWait, reads("c1 rejected"), asks("A notAsked", "rejected"), asks("B notAsked", "rejected"), calls(),
			chooses("giveUp", "B"), chooses("retry"), looks, sees("A"), calls("retire A")),
	})
}

func TestARequestThatExpiredIsFiledAgain(t *testing.T) {
	tell(t, stories{
		"for one": then(wipeWaits,
			reads("c1 expired"), calls("wipe A"), queued("A c2"), approval("A c2 needsApproval"), reads("c2 approved"), calls("wipe A with c2")),
		"for all": then(allWait, reads("c1 expired"), calls("all A B"), queued("A B c2"), reads("c2 approved"), calls("all A B with c2")),
		"for all and one that was enrolled meanwhile": then(allWait, sees("LATE"), reads("c1 expired"), calls("all A B LATE")),
		"judged anew where the owner has changed: kept": {policy(`{"company": {"windows": "wipe"}, "personal": {"windows": "keep"}}`),
			sees("A"), calls("wipe A"), queued("A c1"), sees("A personal"), reads("c1 expired"), is("A kept"), ends},
		"judged anew where the owner has changed: another action": {wipesWindows,
			sees("A"), calls("wipe A"), queued("A c1"), sees("A personal"), reads("c1 expired"), calls("retire A")},
		"what a person chose stays": {sees("A Android personal"), makes("all A"), after(deadline), sees("A Android personal"),
			chooses("deleteRecord"), calls("deleteRecord A"), queued("A c1"), reads("c1 expired"), calls("deleteRecord A")},
		"where the worker may not read it: by its age": then(wipeWaits,
			mayNotReadApprovals, is("A awaitingApproval"), wakes(3*day), after(3*day), calls("wipe A"), queued("A c2"), is("A awaitingApproval")),
		"where the worker may not read it: for all, and for a late one": then(allWait,
			mayNotReadApprovals, sees("LATE"), is("LATE awaitingApproval"), after(3*day), calls("all A B LATE")),
		"where Intune says that it waits still: not by its age": then(wipeWaits,
			after(3*day+hour), reads("c1 needsApproval"), is("A awaitingApproval"), calls(), watches),
	})
}

func TestAnApprovedRequestIsJudgedOnceMore(t *testing.T) {
	tell(t, stories{
		"the policy keeps the device by now": {policy(`{"personal": {"android": "deleteRecord"}, "company": {"android": "keep"}}`),
			sees("A Android personal"), calls("deleteRecord A"), queued("A c1"),
			sees("A Android"), reads("c1 approved"), calls(), is("A kept"), ends},
		"it would do harm by now": {policy(`{"personal": {"android": "deleteRecord"}, "company": {"android": "deleteRecord"}}`),
			sees("A Android personal"), calls("deleteRecord A"), queued("A c1"),
			sees("A Android"), reads("c1 approved"), calls(), asks("A notAsked", "resets it to factory settings")},
		"the policy wants something else by now: that needs a request of its own": {
			policy(`{"personal": {"android": "deleteRecord"}, "company": {"android": "wipe"}}`),
			sees("A Android personal"), calls("deleteRecord A"), queued("A c1"), sees("A Android"), reads("c1 approved"), calls("wipe A")},
		"the device is another user's by now": then(wipeWaits,
			misses("A"), is("A awaitingApproval"), shows("A", leaver.Item{Detail: unlisted}), reads("c1 approved"), calls(),
			after(minute), looks, misses("A"), asks("A notAsked", "no longer listed for the leaver"), asked("A nothing")),
		"it was rejected, and the owner has changed: it is a question all the same": then(wipeWaits,
			sees("A personal"), reads("c1 rejected"), asks("A notAsked", "rejected"), calls()),
		"somebody else has retired it, which is no wipe": then(wipeWaits,
			sees("A retirePending"), is("A awaitingApproval"), asked("A nothing"), reads("c1 approved"), calls("wipe A with c1")),
	})
}

func TestACallThatCarriesACode(t *testing.T) {
	tell(t, stories{
		"may lose its answer, and is heard where the request is completed": then(wipeWaits, reads("c1 approved"),
			calls("wipe A with c1"), lost("A"), is("A unknown"), looks, reads("c1 completed"), is("A leaving"), asked("A wipe"), watches),
		"may lose its answer, and is heard where the device leaves": then(wipeWaits,
			reads("c1 approved"), calls("wipe A with c1"), lost("A"), sees("A wipePending"), is("A leaving"), calls()),
		"that is refused, is a question, and files the request anew": then(allWait,
			mayNotReadApprovals, chooses("approved"), calls("all A B with c1"), refusedAs(leaver.GraphBadRequest, "A B", "the code is refused"),
			asks("A notAsked", "the code is refused"), asks("B notAsked", "the code is refused"), calls(), watches,
			chooses("retry"), looks, sees("A", "B"), calls("all A B"), queued("A B c2"), is("A awaitingApproval")),
		"that Intune has not heard of the approval for yet, is made once for each look": then(wipeWaits,
			reads("c1 approved"), calls("wipe A with c1"), queued("A c1"), is("A awaitingApproval"), calls(), watches,
			func(s *scene) { assert.Len(s, s.fleet.Devices[0].Calls, 1, "nothing was asked") }, reads("c1 approved"), makes("wipe A with c1")),
	})
}

// Where the worker may not read the requests, a person tells that one is approved.
func TestAnApprovalIsTold(t *testing.T) {
	told := then(wipeWaits, mayNotReadApprovals, chooses("approved", "A"), calls("wipe A with c1"))
	tell(t, stories{
		"and the call is made": then(told, accepted("A"), is("A leaving")),
		"too early: it waits again, and can be given up": then(told,
			queued("A c1"), is("A awaitingApproval"), calls(), watches, offers("approved", "giveUp"),
			chooses("approved", "A"), calls("wipe A with c1"), queued("A c1"), chooses("giveUp", "A"), is("A givenUp")),
		"and Intune does not know it: it waits again": then(wipeWaits,
			chooses("approved", "A"), reads("c1 needsApproval"), is("A awaitingApproval"), calls()),
		"and is not overruled by the request's age": then(wipeWaits,
			mayNotReadApprovals, after(3*day-minute), chooses("approved", "A"), after(hour), calls("wipe A with c1")),
		"for one of two, while the other is given up": {wipesWindows, sees("A", "B"), calls("wipe A", "wipe B"), queued("A c1"), queued("B c2"),
			chooses("approved", "A"), makes("wipe A with c1"), chooses("giveUp"), is("B givenUp", "A leaving")},
	})
}
