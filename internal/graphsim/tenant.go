// Package graphsim is a simulated Microsoft 365 tenant, for the demo and the tests. On the paths that it
// knows, a Graph client cannot tell it from the real one: the shapes of answers and errors, paging, tokens
// and permissions are Graph's. Devices check in after a while, or never. The methods of Tenant set it up,
// spoil its answers, and show what was asked.
package graphsim

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// User is a user of the tenant and what the tenant manages for the user.
type User struct {
	ID                    string       `json:"id"`
	UserPrincipalName     string       `json:"userPrincipalName"`
	DisplayName           string       `json:"displayName,omitempty"`
	UserType              string       `json:"userType"`
	AccountEnabled        bool         `json:"accountEnabled"`
	OnPremisesSyncEnabled bool         `json:"onPremisesSyncEnabled,omitempty"`
	DisabledOnPremises    bool         `json:"disabledOnPremises,omitempty"`        // in Active Directory
	LastSync              time.Time    `json:"onPremisesLastSyncDateTime,omitzero"` // when the synchronisation wrote to the user
	SessionsValidFrom     time.Time    `json:"signInSessionsValidFromDateTime"`
	CreationType          string       `json:"creationType,omitempty"`      // Invitation for a user who was invited from outside
	ExternalUserState     string       `json:"externalUserState,omitempty"` // of such a user
	Deleted               bool         `json:"deleted,omitempty"`           // among the deleted items; the devices stay managed
	NotInIntune           bool         `json:"notInIntune,omitempty"`       // Intune answers that there is no such user
	Devices               []Device     `json:"devices"`                     // those that are managed now
	Memberships           []Membership `json:"memberships,omitempty"`       // also those by another group
	MailboxPurpose        string       `json:"mailboxPurpose,omitempty"`    // user, shared, room or equipment; empty means no mailbox
	// Mailbox is what stands in the mailbox, where there is one.
	Mailbox  lagged[Mailbox] `json:"mailbox,omitzero"`
	Delivery Delivery        `json:"delivery,omitzero"` // what Exchange keeps besides
	MailUser bool            `json:"mailUser,omitzero"` // Exchange lists the user without a mailbox
	// Texts are further properties, such as jobTitle, by Graph's names for them.
	Texts map[string]string `json:"texts,omitempty"`
	// EntraDevices, Autopilot and AppRegistrations stay when a device leaves.
	EntraDevices     []EntraDevice       `json:"entraDevices,omitempty"`
	Autopilot        []AutopilotIdentity `json:"autopilot,omitempty"`
	AppRegistrations []AppRegistration   `json:"appRegistrations,omitempty"`

	changedOnPremises bool      // since the last synchronisation
	deletedAt         time.Time // by a call
	purposeBefore     string    // of the mailbox, until convertedAt
	convertedAt       time.Time
	Holdings

	seen      lagged[Holdings]
	seenTexts lagged[map[string]string]
}

// Settings is what differs between tenants.
type Settings struct {
	PageSize int  // how many devices stand on one page; zero means a thousand
	NoIntune bool // the device calls answer as a tenant without a licence does
	// MultiAdminApproval makes retiring, wiping and deleting a device wait for a second administrator;
	// ApprovalForAll removeAllDevicesFromManagement too, and ApprovalForRest what else is written to Intune.
	MultiAdminApproval, ApprovalForAll, ApprovalForRest bool
	// ApprovalStatus is the status of the answer that carries the code: 403 unless given; 400 and 412 have been
	// seen as well.
	ApprovalStatus int
	// DailyRetires, DailyWipes and DailyDeletes are how many of each Intune lets through in a day; zero means
	// any number. NextDay is the Retry-After of the refusal; Microsoft does not document what Intune sends.
	DailyRetires, DailyWipes, DailyDeletes int
	NextDay                                string
	DelegatedRemoval                       bool // refuses application tokens for removeAllDevicesFromManagement, as its page of 2019 documents
	Lags                                   bool // Entra and Autopilot go on listing what they have deleted
	MacsNeedCode                           bool // refuses the wipe of a Mac without an unlock code
	NoPremium                              bool // has no Entra ID P2: no Privileged Identity Management, and no Identity Protection
	DeniesRemovals                         bool // Privileged Identity Management says of a removal that it has made that there was nothing to remove
	// SyncEvery is how often Active Directory is synchronised, and RefusesMastered whether the tenant refuses to
	// disable an account that Active Directory owns; otherwise the synchronisation enables it again.
	SyncEvery       leaver.Duration
	RefusesMastered bool
	// Lag is how long the directory, and what else is kept in values of type lagged, shows what was before a write.
	Lag leaver.Duration
	// PackagesTake and NumbersTake are how long after the request an access package, or a number, is taken away;
	// PackagesFail and NumbersFail have that fail then.
	PackagesTake, NumbersTake leaver.Duration
	PackagesFail, NumbersFail bool
	LicensesTake              leaver.Duration // how long after a user has left a group the licences that it gives are lost
	CapitalNumbers            bool            // numbers are shown with DirectRouting, though the write wants directRouting
	// DeadInvitations have an invitation to a OneDrive do nothing, and be answered with success: "silent" without a
	// word of it, or the code of the error that stands within the answer.
	DeadInvitations string
	// FederatedDomains are those whose users sign in at another identity provider.
	FederatedDomains []string
	// NoExchangeRole has Exchange refuse the application, which has the permission and no role; ConversionDropsGrants
	// has the conversion of a mailbox take away who may open it.
	NoExchangeRole, ConversionDropsGrants bool
}

// Tenant is safe for use by many goroutines.
type Tenant struct {
	mu          sync.Mutex
	now         func() time.Time
	users       map[string]*User
	tokens      map[string]grant
	settings    Settings
	faults      []*Fault
	requests    []Request
	record      io.Writer
	wiped, kept []string // the devices that were reset; the user's data was left on those in kept
	approvals   []ApprovalRequest
	apps        []*App
	agents      []*Agent
	groups      []*Group
	removals    []*removal
	unassigned  []*unassignment
	mails       []SentMail
	lost        []lost
	// spent is how many of each action Intune has let through on day, in UTC.
	spent map[string]int
	day   time.Time
	// synced is when Active Directory was last synchronised.
	synced time.Time
}

// grant is what a token allows.
type grant struct {
	delegated   bool
	permissions []string
}

// NewTenant makes an empty tenant. Every exchange is written to record as one
// JSON object a line, unless record is nil.
func NewTenant(record io.Writer) *Tenant {
	return &Tenant{now: time.Now, users: map[string]*User{}, tokens: map[string]grant{}, spent: map[string]int{}, record: record}
}

// lock locks the tenant and returns what unlocks it.
func (t *Tenant) lock() (unlock func()) {
	t.mu.Lock()
	return t.mu.Unlock
}

// Clock makes the tenant live by another clock than the machine's, so that a month passes in a test at once.
// Devices check in, approval requests expire, days begin and a Retry-After passes by that clock; the Delay
// and Late of a Fault are real waits all the same. The tenant is locked when it calls now. A test sets the
// clock before it adds users, whose devices last synchronised an hour ago.
func (t *Tenant) Clock(now func() time.Time) {
	defer t.lock()()
	t.now = now
}

// Add puts users into the tenant; what is missing in them is filled in. It returns the last one's object id.
func (t *Tenant) Add(users ...User) (id string) {
	defer t.lock()()
	for _, user := range users {
		id = cmp.Or(user.ID, uuid.NewString())
		devices := user.Devices
		user.ID, user.UserType = id, cmp.Or(user.UserType, "Member")
		user.Devices, user.EntraDevices, user.Texts = nil, slices.Clone(user.EntraDevices), maps.Clone(user.Texts)
		for _, device := range devices {
			user.enroll(device, t.now())
		}
		user.settle()
		t.users[id] = &user
	}
	return id
}

// Enroll adds a managed device to a user, by user principal name or object id. It
// returns false when there is no such user.
func (t *Tenant) Enroll(userID string, device Device) bool {
	defer t.lock()()
	user := t.find(userID)
	if user != nil {
		user.enroll(device, t.now())
	}
	return user != nil
}

// Configure replaces the tenant's settings.
func (t *Tenant) Configure(s Settings) {
	defer t.lock()()
	t.settings = s
}

// Users returns the tenant as it is now, by user principal name.
func (t *Tenant) Users() map[string]User {
	defer t.lock()()
	t.checkIn()
	all := make(map[string]User, len(t.users))
	for _, user := range t.users {
		snapshot := *user
		snapshot.Devices, snapshot.Texts = slices.Clone(user.Devices), maps.Clone(user.Texts)
		snapshot.EntraDevices = slices.DeleteFunc(slices.Clone(user.EntraDevices), func(d EntraDevice) bool { return d.deleted })
		snapshot.Autopilot = slices.DeleteFunc(slices.Clone(user.Autopilot), func(a AutopilotIdentity) bool { return a.deleted })
		snapshot.AppRegistrations, snapshot.Delivery.Phones = slices.Clone(user.AppRegistrations), slices.Clone(user.Delivery.Phones)
		snapshot.Delivery.Phones = slices.Clone(user.Delivery.Phones)
		all[user.UserPrincipalName] = snapshot
	}
	return all
}

// Application and Delegated name the kinds of token that Token makes.
const (
	Application = "application"
	Delegated   = "delegated"
)

// SignedIn is the object id of the user whom delegated tokens act for.
const SignedIn = "5a1d0000-0000-4000-8000-00000000ad01"

// Token makes a token of a kind with permissions, shaped as Entra's are. Without
// permissions it is for every call.
func (t *Tenant) Token(kind string, permissions ...string) string {
	claims := map[string]any{"aud": "https://graph.microsoft.com", "appid": uuid.NewString()}
	if kind == Delegated {
		claims["oid"] = SignedIn
		claims["scp"] = cmp.Or(strings.Join(permissions, " "), "everything")
	} else {
		claims["idtyp"], claims["roles"] = "app", permissions
	}
	payload, _ := json.Marshal(claims)
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(payload) + "." + encode([]byte(rand.Text()))
	t.Accept(token, kind, permissions...)
	return token
}

// Accept makes the tenant take a token that somebody else chose, without permissions for every call.
func (t *Tenant) Accept(token, kind string, permissions ...string) {
	defer t.lock()()
	t.tokens[token] = grant{delegated: kind == Delegated, permissions: permissions}
}

// shown is the time as of which reads of the directory answer.
func (t *Tenant) shown() time.Time { return t.now().Add(-time.Duration(t.settings.Lag)) }

// find looks a user up, who is not deleted, by object id or user principal name.
func (t *Tenant) find(id string) *User {
	for _, user := range t.users {
		if user.Deleted {
			continue
		}
		if user.is(id) {
			return user
		}
	}
	return nil
}

// is reports whether an object id or user principal name is the user's.
func (u *User) is(id string) bool {
	return ascii.EqualFold(u.ID, id) || ascii.EqualFold(u.UserPrincipalName, id)
}
