package graphsim

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/leaver-dev/leaver/internal/ascii"
)

// ExchangePath is where Exchange Online stands on the server.
const ExchangePath = "/exchange"

// TenantID is the id of the tenant, which requests to Exchange name.
const TenantID = "5a1d0000-0000-4000-8000-00000000ce11"

// Delivery is what Exchange keeps of a user besides what stands in the mailbox. Those who may do something are named by
// object id.
type Delivery struct {
	Hidden                bool     `json:"hidden,omitempty"`            // from the address lists
	ForwardingAddress     string   `json:"forwardingAddress,omitempty"` // the object id of who gets the mail
	ForwardingSMTPAddress string   `json:"forwardingSmtpAddress,omitempty"`
	KeepsCopy             bool     `json:"keepsCopy,omitempty"`
	FullAccess            []string `json:"fullAccess,omitempty"`
	SendAs                []string `json:"sendAs,omitempty"`
	SendOnBehalf          []string `json:"sendOnBehalf,omitempty"`
	Hold                  bool     `json:"hold,omitempty"`
	HoldDays              int      `json:"holdDays,omitempty"` // zero means without an end
	NoHold                bool     `json:"noHold,omitempty"`   // the licence lets nobody put the mailbox on hold
	Archive               bool     `json:"archive,omitempty"`
	ClosedProtocols       []string `json:"closedProtocols,omitempty"` // by the names of Set-CASMailbox
	Phones                []Phone  `json:"phones,omitempty"`
}

// Phone is a device that keeps a copy of the mailbox.
type Phone struct {
	GUID   string `json:"guid"`
	Client string `json:"client"`           // EAS, Outlook or REST
	Status string `json:"status,omitempty"` // DeviceOk unless given
	Old    bool   `json:"old,omitempty"`    // speaks a protocol that knows no wipe of the account alone
	Wiped  bool   `json:"wiped,omitempty"`  // reset to how it left the factory, with all that its owner had on it
}

// serveExchange answers a cmdlet as a route of its own: the cmdlet's name is added to the path, by which faults find it.
func (t *Tenant) serveExchange(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return
	}
	var given struct {
		CmdletInput struct{ CmdletName string }
	}
	_ = json.Unmarshal(body, &given)
	path := strings.TrimPrefix(r.URL.EscapedPath(), ExchangePath)
	t.mu.Lock()
	a := t.serve(t.parse(r, path+"/"+given.CmdletInput.CmdletName, body))
	t.mu.Unlock()
	a.write(w)
}

var exchangeRoutes = []route{
	{http.MethodPost, "/adminapi/beta/{tenant}/InvokeCommand/{cmdlet}", [][]string{{"Exchange.ManageAsApp"}}, (*Tenant).runCmdlet},
	{http.MethodPost, "/adminapi/v2.0/{tenant}/{endpoint}/{cmdlet}", [][]string{{"Exchange.ManageAsAppV2"}}, (*Tenant).runPreview},
}

// exchangeAdmin reports whether the route is of Exchange's own API.
func (r route) exchangeAdmin() bool { return strings.HasPrefix(r.path, "/adminapi/") }

// input are the parameters of a cmdlet.
type input map[string]any

func (i input) text(name string) string { text, _ := i[name].(string); return text }

func parametersOf(q query) input {
	var body struct {
		CmdletInput struct{ Parameters input }
	}
	_ = json.Unmarshal(q.body, &body)
	return body.CmdletInput.Parameters
}

// runPreview takes the few cmdlets that the preview has.
//
// Microsoft: https://learn.microsoft.com/exchange/reference/admin-api-endpoints-reference
func (t *Tenant) runPreview(q query) answer {
	given, cmdlet := parametersOf(q), q.named["cmdlet"]
	_, onBehalf := given["GrantSendOnBehalfTo"]
	if q.named["endpoint"] != "Mailbox" || cmdlet != "Get-Mailbox" && !(cmdlet == "Set-Mailbox" && onBehalf && len(given) == 2) {
		return cmdletFault(http.StatusBadRequest, "BadRequest", "The cmdlet or one of its parameters isn't supported by this endpoint.")
	}
	return t.runCmdlet(q)
}

func (t *Tenant) runCmdlet(q query) answer {
	name := q.named["cmdlet"]
	anchor := q.request.Header.Get("X-AnchorMailbox")
	run, known := cmdlets[name]
	switch {
	case !ascii.EqualFold(q.named["tenant"], TenantID):
		return cmdletFault(http.StatusForbidden, "Forbidden", "The token is of another tenant.")
	case t.settings.NoExchangeRole:
		return answer{status: http.StatusUnauthorized, body: map[string]any{"error": map[string]any{"code": "Unauthorized", "message": "User is not allowed to call " + name}}}
	case !known:
		return cmdletFault(http.StatusBadRequest, "BadRequest", "The term '"+name+"' is not recognized as the name of a cmdlet.")
	case !strings.HasPrefix(anchor, "UPN:") && !strings.HasPrefix(anchor, "APP:SystemMailbox{"):
		return cmdletFault(http.StatusBadRequest, "BadRequest", "The header X-AnchorMailbox is missing or not valid.")
	}
	return run(t, parametersOf(q))
}

// cmdlets are those that the tenant knows.
var cmdlets = map[string]func(*Tenant, input) answer{
	"Get-Mailbox": ofMailboxUser((*Tenant).getExchangeMailbox), "Set-Mailbox": ofMailboxUser((*Tenant).setExchangeMailbox),
	"Get-MailboxPermission": ofMailboxUser((*Tenant).getMailboxPermission), "Add-MailboxPermission": ofMailboxUser((*Tenant).addMailboxPermission),
	"Get-RecipientPermission": ofMailboxUser((*Tenant).getRecipientPermission), "Add-RecipientPermission": ofMailboxUser((*Tenant).addRecipientPermission),
	"Get-CASMailbox": ofMailboxUser((*Tenant).getCASMailbox), "Set-CASMailbox": ofMailboxUser((*Tenant).setCASMailbox),
	"Get-MobileDeviceStatistics": ofMailboxUser((*Tenant).getMobileDevices), "Clear-MobileDevice": (*Tenant).clearMobileDevice,
	"Get-Recipient": (*Tenant).getRecipient, "Remove-DistributionGroupMember": (*Tenant).removeDistributionMember, "Set-DistributionGroup": (*Tenant).setDistributionGroup,
}

// cmdletFault is an error in Exchange's shape: what is wrong stands in the details.
func cmdletFault(status int, code, text string) answer {
	return answer{status: status, body: map[string]any{"error": map[string]any{
		"code": code, "message": "Error executing cmdlet",
		"details": []any{map[string]any{"code": "Context", "target": "", "message": "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.TaskException|" + text}},
	}}}
}

func noRecipient(identity string) answer {
	return cmdletFault(http.StatusNotFound, "NotFound", "The operation couldn't be performed because object '"+identity+"' couldn't be found on 'AM7PR01A001DC05.EURPR01A001.PROD.OUTLOOK.COM'.")
}

// cmdletRows is a success. Where nothing was to be changed, Exchange says so in a warning.
func cmdletRows(rows ...any) answer {
	return answer{status: http.StatusOK, body: map[string]any{"@odata.context": "https://outlook.office365.com/adminapi/beta/" + TenantID + "/$metadata#Collection(Exchange.GenericHashTable)",
		"adminapi.warnings@odata.type": "#Collection(String)", "@adminapi.warnings": []string{}, "value": append([]any{}, rows...)}}
}

func unchanged() answer {
	a := cmdletRows()
	a.body["@adminapi.warnings"] = []string{"The command completed successfully but no settings have been modified."}
	return a
}

// mailboxIn is the mailbox that a cmdlet is about.
func mailboxIn(given input) string { return cmp.Or(given.text("Mailbox"), given.text("Identity")) }

// meant is the user whom a cmdlet is about, or who has the phone, or managed the group, that it changes.
func (t *Tenant) meant(given input) *User {
	change, _ := given["ManagedBy"].(map[string]any)
	removed, _ := change["remove"].([]any)
	for _, user := range t.users {
		if slices.ContainsFunc(user.Delivery.Phones, func(p Phone) bool { return ascii.EqualFold(p.GUID, given.text("Identity")) }) ||
			len(removed) == 1 && removed[0] == user.ID {
			return user
		}
	}
	return t.recipient(cmp.Or(given.text("Member"), mailboxIn(given)))
}

// ofMailboxUser finds the user whose mailbox a cmdlet names, by any of the names that Exchange takes.
func ofMailboxUser(do func(*Tenant, input, *User) answer) func(*Tenant, input) answer {
	return func(t *Tenant, given input) answer {
		identity := mailboxIn(given)
		user := t.recipient(identity)
		if user == nil || user.MailboxPurpose == "" {
			return noRecipient(identity)
		}
		return do(t, given, user)
	}
}

// recipient is the user whom Exchange means by a name.
func (t *Tenant) recipient(identity string) *User {
	for _, user := range t.users {
		if identity != "" && !user.Deleted && slices.ContainsFunc(slices.Collect(maps.Values(user.names())), func(name any) bool { return ascii.EqualFold(name.(string), identity) }) {
			return user
		}
	}
	return nil
}

// names are all that Exchange calls a user, by property.
func (u *User) names() map[string]any {
	name, _, _ := strings.Cut(u.UserPrincipalName, "@")
	return map[string]any{
		"ExternalDirectoryObjectId": u.ID, "Identity": name + "-" + u.ID[:8], "Name": name + "-" + u.ID[:8], "Alias": name, "Guid": exchangeGUID(u.ID),
		"DistinguishedName": "CN=" + u.DisplayName + " " + u.ID[:8] + ",OU=contoso.onmicrosoft.com,OU=Microsoft Exchange Hosted Organizations,DC=PROD,DC=OUTLOOK,DC=COM",
		"UserPrincipalName": u.UserPrincipalName, "PrimarySmtpAddress": u.UserPrincipalName,
	}
}

// exchangeGUID is the id that Exchange gives to what Entra knows by another one.
func exchangeGUID(id string) string { return uuid.NewSHA1(uuid.Nil, []byte(id)).String() }

// called is what Exchange calls those who are named by object id.
func (t *Tenant) called(property string, ids []string) []any {
	all := []any{}
	for _, id := range ids {
		if user := t.find(id); user != nil {
			all = append(all, user.names()[property])
		}
	}
	return all
}

func (t *Tenant) getExchangeMailbox(_ input, u *User) answer {
	d := u.Delivery
	row := u.names()
	maps.Copy(row, map[string]any{
		"RecipientTypeDetails":          map[string]string{"shared": "SharedMailbox", "room": "RoomMailbox", "equipment": "EquipmentMailbox"}[u.MailboxPurpose],
		"HiddenFromAddressListsEnabled": d.Hidden, "ForwardingAddress": nil, "ForwardingSmtpAddress": known(d.ForwardingSMTPAddress),
		"DeliverToMailboxAndForward": d.KeepsCopy, "GrantSendOnBehalfTo": t.called("Name", d.SendOnBehalf),
		"IsDirSynced": u.OnPremisesSyncEnabled, "LitigationHoldEnabled": d.Hold, "LitigationHoldDuration": "Unlimited", "ArchiveStatus": "None",
	})
	if row["RecipientTypeDetails"] == "" {
		row["RecipientTypeDetails"] = "UserMailbox"
	}
	for _, name := range t.called("Name", []string{d.ForwardingAddress}) {
		row["ForwardingAddress"] = name
	}
	if d.HoldDays > 0 {
		row["LitigationHoldDuration"] = timeSpan(d.HoldDays)
	}
	if d.Archive {
		row["ArchiveStatus"] = "Active"
	}
	return cmdletRows(row)
}

var filters = regexp.MustCompile(`^(Members|ManagedBy) -eq '((?:[^']|'')*)'$`)

// getRecipient finds a recipient by a name, or the distribution groups that a filter asks for.
func (t *Tenant) getRecipient(given input) answer {
	if identity := given.text("Identity"); identity != "" {
		user := t.recipient(identity)
		if user == nil || user.MailboxPurpose == "" && !user.MailUser {
			return noRecipient(identity)
		}
		row := user.names()
		row["RecipientTypeDetails"] = "UserMailbox"
		if user.MailboxPurpose == "" {
			row["RecipientTypeDetails"] = "MailUser"
		}
		return cmdletRows(row)
	}
	parts := filters.FindStringSubmatch(given.text("Filter"))
	if parts == nil {
		return cmdletFault(http.StatusBadRequest, "BadRequest", "The filter isn't valid.")
	}
	user := t.recipient(strings.ReplaceAll(parts[2], "''", "'"))
	if user == nil {
		return cmdletFault(http.StatusBadRequest, "BadRequest", "The object in the filter couldn't be found.")
	}
	var rows []any
	for _, group := range t.groups {
		among := map[string][]string{"Members": group.members.now, "ManagedBy": group.owners.now}[parts[1]]
		if group.exchanges() && slices.Contains(among, user.ID) {
			rows = append(rows, map[string]any{"ExternalDirectoryObjectId": group.ID, "Guid": exchangeGUID(group.ID), "Identity": group.DisplayName, "Name": group.DisplayName,
				"DisplayName": group.DisplayName, "RecipientTypeDetails": "MailUniversalDistributionGroup", "ManagedBy": t.called("Name", group.owners.now), "IsDirSynced": group.OnPremisesSyncEnabled})
		}
	}
	return cmdletRows(rows...)
}

// exchanges reports whether Exchange keeps the members of a group.
func (g *Group) exchanges() bool { return g.MailEnabled && !slices.Contains(g.GroupTypes, "Unified") }

// distributionGroup finds a group that a cmdlet is to change, unless Exchange refuses that.
func (t *Tenant) distributionGroup(given input, cmdlet string) (*Group, answer) {
	identity := given.text("Identity")
	at := slices.IndexFunc(t.groups, func(g *Group) bool {
		return g.exchanges() && (ascii.EqualFold(g.ID, identity) || ascii.EqualFold(exchangeGUID(g.ID), identity))
	})
	switch {
	case at < 0:
		return nil, noRecipient(identity)
	case t.groups[at].OnPremisesSyncEnabled:
		return nil, cmdletFault(http.StatusBadRequest, "BadRequest", "The action '"+cmdlet+"' can't be performed on the object '"+identity+"' because the object is being synchronized from your on-premises organization. This action should be performed on the object in your on-premises organization.")
	case given["BypassSecurityGroupManagerCheck"] != true:
		return nil, cmdletFault(http.StatusForbidden, "Forbidden", "You don't have sufficient permissions. This operation can only be performed by a manager of the group.")
	}
	return t.groups[at], answer{}
}

// removeDistributionMember answers with nothing at all when it has done it.
func (t *Tenant) removeDistributionMember(given input) answer {
	group, refusal := t.distributionGroup(given, "Remove-DistributionGroupMember")
	if group == nil {
		return refusal
	}
	member := t.recipient(given.text("Member"))
	if member == nil || !slices.Contains(group.members.now, member.ID) {
		return cmdletFault(http.StatusNotFound, "NotFound", "The recipient \""+given.text("Member")+"\" isn't a member of the group \""+group.DisplayName+"\".")
	}
	group.members.set(without(group.members.now, func(id string) bool { return id == member.ID }), t.now())
	return noContent
}

// setDistributionGroup changes who manages a group, which must be somebody.
func (t *Tenant) setDistributionGroup(given input) answer {
	group, refusal := t.distributionGroup(given, "Set-DistributionGroup")
	if group == nil {
		return refusal
	}
	owners, refused := t.changedList(given["ManagedBy"], group.owners.now)
	switch {
	case refused != "":
		return noRecipient(refused)
	case len(owners) == 0:
		return cmdletFault(http.StatusBadRequest, "BadRequest", "A group must have at least one owner.")
	}
	group.owners.set(owners, t.now())
	return noContent
}

// changedList is a list of object ids after the change that a parameter of several values asks for; refused is a name
// that nobody has.
func (t *Tenant) changedList(value any, before []string) (after []string, refused string) {
	change, _ := value.(map[string]any)
	after = slices.Clone(before)
	for _, list := range []string{"add", "remove"} {
		names, _ := change[list].([]any)
		for _, name := range names {
			text, _ := name.(string)
			user := t.recipient(text)
			if user == nil {
				return nil, text
			}
			after = without(after, func(id string) bool { return id == user.ID })
			if list == "add" {
				after = append(after, user.ID)
			}
		}
	}
	return after, ""
}
