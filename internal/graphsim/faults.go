package graphsim

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leaver-dev/leaver"
)

// Fault spoils the next answers to the requests that it matches. Of several
// that match, the oldest with Times left is taken.
type Fault struct {
	// Method and Path say which requests; an empty one matches all. Path is the end of the path, such as
	// "/managedDevices", in any case. Of a batch, the requests in it meet the fault, and the batch itself only
	// one whose Path names it.
	Method, Path string
	Times        int // how often; zero means once, a negative number until cleared
	// Every has the fault meet each so manieth request that matches; zero means each.
	Every int

	// Status answers with an error in Graph's shape instead of doing anything.
	Status        int
	Code, Message string
	RetryAfter    string          // the header's text: whole, fractional, a date, or missing
	HTML          bool            // gives the error the body that a gateway would
	Row           string          // a row, as JSON, that is put before the rows of the list that is answered
	Loop          bool            // gives the list a next link to the same page
	Reset         bool            // drops the connection before anything is done
	Cut           bool            // does what was asked and drops the connection in mid-answer
	Delay         leaver.Duration // waits first; alone it makes Graph slow and nothing else
	Late          leaver.Duration // does what was asked at once and waits before it answers

	used      int
	matched   int
	notBefore time.Time
}

// Fail adds a fault.
func (t *Tenant) Fail(f Fault) {
	defer t.lock()()
	t.faults = append(t.faults, &f)
}

// Heal removes all faults.
func (t *Tenant) Heal() {
	defer t.lock()()
	t.faults = nil
}

// spoils reports whether the answer is another than the tenant's, and not only late.
func (f *Fault) spoils() bool {
	return f.Status != 0 || f.Row != "" || f.Loop || f.Reset || f.Cut || f.HTML
}

// faultFor takes the fault that this request meets, a zero one where there is none, and says whether the
// request came earlier than a fault before had asked for. The tenant is locked.
func (t *Tenant) faultFor(q query) (taken *Fault, early bool) {
	now := t.now()
	taken = &Fault{}
	for _, f := range t.faults {
		if f.Method != "" && f.Method != q.request.Method || !strings.HasSuffix(strings.ToLower(q.path), strings.ToLower(f.Path)) ||
			f.Path == "" && q.route.path == batchPath {
			continue
		}
		early = early || now.Before(f.notBefore)
		f.matched++
		if taken.used == 0 && f.matched%max(f.Every, 1) == 0 && (f.Times < 0 || f.used < max(f.Times, 1)) {
			taken = f
			taken.used++
		}
	}
	if seconds, err := strconv.ParseFloat(taken.RetryAfter, 64); err == nil {
		taken.notBefore = now.Add(time.Duration(seconds * float64(time.Second)))
	}
	return taken, early
}

// spoilList puts the fault's row and link into a list.
func (f *Fault) spoilList(r *http.Request, a answer) {
	rows, isList := a.body["value"].([]any)
	if isList && f.Row != "" {
		a.body["value"] = append([]any{json.RawMessage(f.Row)}, rows...)
	}
	if isList && f.Loop {
		a.body["@odata.nextLink"] = "http://" + r.Host + r.URL.RequestURI()
	}
}

// drop ends a connection with a reset instead of a farewell.
func drop(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}
