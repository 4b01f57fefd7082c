package devices_test

import (
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
)

func TestEachDeviceHasADeadlineOfItsOwn(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	tell(t, stories{
		"it is silent when it has passed, and a look has come after it": {
			sees(windows("A")), calls("all A"), accepted("A"), watches, wakes(deadline),
			after(deadline - minute), is("A", leaver.Leaving), watches,
			after(minute), is("A", leaver.Leaving), looks,
			sees(windows("A")), question("A", leaver.Silent, "it has not checked in meanwhile"), watches,
		},
		"it is not silent where it has checked in": {
			sees(windows("A")), calls("all A"), accepted("A"), after(time.Hour), sees(windows("A").state("retirePending").checkedIn()), is("A", leaver.Leaving),
			after(deadline), sees(windows("A").state("retirePending")), question("A", leaver.Leaving, "it has checked in meanwhile, and is still managed"),
		},
		"the look at the deadline shows that it has left": {
			sees(windows("A")), calls("all A"), accepted("A"), after(deadline), looks, loses("A"), is("A", leaver.Gone), ends,
		},
		"one that was asked two minutes before another's is not silent three minutes later": {
			sees(windows("A")), calls("all A"), accepted("A"),
			after(deadline - 2*minute), sees(windows("B")), calls("retire B"), accepted("B"),
			after(3 * minute), sees(windows("A"), windows("B")), question("A", leaver.Silent, ""), is("B", leaver.Leaving), wakes(deadline - 3*minute), watches,
		},
		"asking one anew gives no other a new one": {
			sees(windows("A"), windows("B")), calls("all A B"), accepted("A B"),
			after(deadline - time.Hour), sees(windows("A").state("retireFailed")), calls("retire A again"), accepted("A"),
			after(time.Hour), sees(windows("B")), is("A", leaver.Leaving), question("B", leaver.Silent, ""), wakes(deadline - time.Hour),
		},
		"a decision about one gives no other a new one": {
			sees(windows("A"), android("HARM")), calls("retire A"), accepted("A"),
			after(deadline - time.Hour), chooses(wipe, "HARM"), calls("wipe HARM"), accepted("HARM"),
			after(time.Hour), sees(windows("A")), question("A", leaver.Silent, ""), is("HARM", leaver.Leaving),
		},
		"whoever waits longer gets the whole of it again": then(silent,
			after(day), chooses(leaver.WaitLonger), is("A", leaver.Leaving), wakes(deadline), watches,
			after(deadline-time.Hour), sees(windows("A").state("retirePending")), is("A", leaver.Leaving),
			after(time.Hour), looks, sees(windows("A").state("retirePending")), question("A", leaver.Silent, "its deadline has passed"),
			chooses(leaver.WaitLonger), is("A", leaver.Leaving), wakes(deadline)),
		"whatever is refused meanwhile, it is not silent before the deadline that a person has renewed": then(silent,
			chooses(leaver.WaitLonger), after(day), sees(windows("A").state("retireFailed")), calls("retire A again"), refused("A", leaver.GraphForbidden, "Graph forbids it"),
			sees(windows("A").state("retirePending")), question("A", leaver.Leaving, "Graph forbids it"),
			after(deadline-day), sees(windows("A").state("retirePending")), question("A", leaver.Silent, "Graph forbids it")),
		"a device that leaves anyway has one, from when it was first seen leaving": {
			sees(windows("A").state("retirePending")), wakes(deadline), after(deadline), looks, sees(windows("A").state("retirePending")),
			question("A", leaver.Leaving, "its deadline has passed"), watches,
			chooses(leaver.WaitLonger), is("A", leaver.Leaving), notAsked("A"), wakes(deadline), watches,
		},
		"a device that leaves anyway is waited for, also where the call for it was refused and Intune does not tell of it": {
			sees(windows("A")), calls("all A"), noRoute("A"), calls("retire A"), refused("A", leaver.GraphForbidden, "Graph forbids it"), sees(windows("A").state("retirePending")),
			question("A", leaver.Leaving, "Graph forbids it"), chooses(leaver.WaitLonger), is("A", leaver.Leaving), cannotRead(windows("A"), "Graph refuses to tell"), is("A", leaver.Leaving), watches,
		},
		"a silent device of which Intune does not tell is not said to be silent": then(silent,
			cannotRead(windows("A"), "Graph refuses to tell"), question("A", leaver.Leaving, "Graph refuses to tell")),
		"one that awaits approval has none": {
			policy(wipesWindows), sees(windows("A")), calls("wipe A"), queued("A", "c1"), after(2 * day), reads("c1", leaver.ApprovalExpired), calls("wipe A"), queued("A", "c2"),
			after(2 * day), reads("c2", leaver.ApprovalApproved), calls("wipe A with c2"), accepted("A"), is("A", leaver.Leaving), wakes(deadline),
		},
		"at its deadline a silent device is a question though another cannot be asked": {
			sees(windows("A")), calls("all A"), accepted("A"), after(deadline - minute), sees(windows("LATE")), calls("retire LATE"), after(2 * minute), lost("LATE"),
			sees(windows("A"), windows("LATE")), question("A", leaver.Silent, ""), question("LATE", leaver.Unknown, ""),
		},
		"the deadline of one that is given up wakes nobody": {
			sees(android("A"), windows("B")), calls("retire B"), accepted("B"), after(deadline), sees(android("A"), windows("B")), chooses(leaver.GiveUp), looks, sees(), ends,
		},
	})
}
