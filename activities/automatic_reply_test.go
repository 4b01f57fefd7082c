package activities_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graphsim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assertPrivate asserts that a result holds nothing that stands in a full mailbox.
func assertPrivate(t *testing.T, result any) {
	t.Helper()
	told, err := json.Marshal(result)
	require.NoError(t, err)
	for _, word := range []string{"zaphod", "secret plans", "Private", "somebody else"} {
		assert.NotContains(t, string(told), word)
	}
}

// replies makes an attempt to set Adele's automatic reply.
func replies(t *testing.T, s *stage, number int32, settings leaver.Settings) (leaver.StepResult, error) {
	t.Helper()
	return call[leaver.StepResult](t, s, number, leaver.ActivitySetAutomaticReply, leaver.StepRequest{UserID: s.id(adele), Settings: settings})
}

func TestAnAutomaticReplyIsSetAndReadBack(t *testing.T) {
	t.Parallel()
	s, _ := withMailboxes(t, full())
	settings := leaver.Settings{InternalMessage: "{leaverName} <has> left.\nWrite to {handOverToName}, {handOverToMail}.", ExternalMessage: "Write to {handOverToMail}."}
	s.Add(graphsim.User{UserPrincipalName: "max@contoso.com", ID: "0f1e2d3c-1111-4222-8333-444455556666", DisplayName: "Max & Co", AccountEnabled: true, Texts: map[string]string{"mail": "max@contoso.com"}})
	s.change(func(u *graphsim.User) { u.ManagerID = "0f1e2d3c-1111-4222-8333-444455556666" })
	before := s.mailbox(megan)
	result, err := replies(t, s, 1, settings)
	require.NoError(t, err)
	assert.Equal(t, leaver.StepResult{Outcome: leaver.Done, Detail: "the mailbox answers by itself", Items: []leaver.Item{
		{ID: "automaticReply", Kind: "setting", Outcome: leaver.Done, Detail: "the mailbox answers by itself", Before: map[string]string{"status": "scheduled"}}}}, result)
	reply := s.mailbox(adele).AutomaticReply
	assert.Equal(t, []string{"alwaysEnabled", "all"}, []string{reply.Status, reply.ExternalAudience})
	assert.Contains(t, reply.InternalMessage, "Adele Vance &lt;has&gt; left.<br>\nWrite to Max &amp; Co, max@contoso.com.")
	assert.Contains(t, reply.ExternalMessage, "Write to max@contoso.com.")
	assert.Equal(t, before, s.mailbox(megan))

	result, err = replies(t, s, 1, settings)
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
	assert.Len(t, s.writes(), 1)
}

func TestOutsidersAreAnsweredOnlyWhereThereIsATextForThem(t *testing.T) {
	t.Parallel()
	s, _ := withMailboxes(t, full())
	_, err := replies(t, s, 1, leaver.Settings{InternalMessage: "Adele has left."})
	require.NoError(t, err)
	assert.Equal(t, "none", s.mailbox(adele).AutomaticReply.ExternalAudience)
	_, err = replies(t, s, 1, leaver.Settings{InternalMessage: "Adele has left.", ExternalMessage: "Adele has left us."})
	require.NoError(t, err)
	assert.Equal(t, "all", s.mailbox(adele).AutomaticReply.ExternalAudience)
	assert.Len(t, s.writes(), 2)
}

func TestAnAutomaticReplyWhoseAnswerWasLostIsDoneTheNextTime(t *testing.T) {
	t.Parallel()
	s, _ := withMailboxes(t, full())
	s.Fail(graphsim.Fault{Method: "PATCH", Cut: true})
	settings := leaver.Settings{InternalMessage: "Adele has left."}
	waiting(t, s, errorOf(replies(t, s, 1, settings)), leaver.GraphUnavailable)
	result, err := replies(t, s, 2, settings)
	require.NoError(t, err)
	assert.Equal(t, leaver.Done, result.Outcome)
	assert.Contains(t, result.Detail, "how it was before is not known")
	assert.Len(t, s.writes(), 1)
}

func TestAnAutomaticReplyThatDoesNotShowYetIsNotDone(t *testing.T) {
	t.Parallel()
	s, _ := withMailboxes(t, full())
	s.Configure(graphsim.Settings{Lag: leaver.Duration(time.Hour)})
	_, err := replies(t, s, 1, leaver.Settings{InternalMessage: "Adele has left."})
	assert.Contains(t, waiting(t, s, err, leaver.GraphUnavailable).Message(), "does not show it yet")
}

func TestATextThatCannotBeCompletedIsForAPerson(t *testing.T) {
	t.Parallel()
	table(t, map[string]struct {
		change   func(*graphsim.User)
		settings leaver.Settings
		want     string
	}{
		"no manager":               {func(*graphsim.User) {}, leaver.Settings{InternalMessage: "Write to {handOverToMail}."}, "the leaver has no manager"},
		"nobody of that name":      {func(*graphsim.User) {}, leaver.Settings{InternalMessage: "Write to {handOverToMail}.", HandOverTo: "nobody@contoso.com"}, "the user named in handOverTo is not in this tenant"},
		"a successor with no mail": {func(*graphsim.User) {}, leaver.Settings{ExternalMessage: "{handOverToName}", InternalMessage: "x", HandOverTo: megan}, "no mail address"},
		"a leaver with no name":    {func(u *graphsim.User) { u.DisplayName = "" }, leaver.Settings{InternalMessage: "{leaverName} has left."}, "the leaver has no display name"},
	}, func(t *testing.T, c struct {
		change   func(*graphsim.User)
		settings leaver.Settings
		want     string
	}) {
		s, _ := withMailboxes(t, full())
		s.change(c.change)
		assert.Contains(t, final(t, s, errorOf(replies(t, s, 1, c.settings)), leaver.UserNotFound).Message(), c.want)
		assert.Empty(t, s.writes())
	})
}

func TestAnAutomaticReplyNeedsATextAndAMailbox(t *testing.T) {
	t.Parallel()
	s, _ := withMailboxes(t, full())
	assert.Contains(t, final(t, s, errorOf(replies(t, s, 1, leaver.Settings{})), leaver.InvalidRequest).Message(), "settings.internalMessage: is missing")
	s.change(func(u *graphsim.User) { u.MailboxPurpose = "" })
	result, err := replies(t, s, 1, leaver.Settings{InternalMessage: "x"})
	require.NoError(t, err)
	assert.Equal(t, leaver.Skipped, result.Outcome)
	s.change(func(u *graphsim.User) { u.Deleted = true })
	result, err = replies(t, s, 1, leaver.Settings{InternalMessage: "x"})
	require.NoError(t, err)
	assert.Equal(t, leaver.AlreadyDone, result.Outcome)
	assert.Empty(t, s.writes())
}

// A text is checked when the offboarding is planned, and the message repeats none of it.
func TestATextWithBracesThatAreNoPlaceholderIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Write to {manager}.", "{}", "{leavername}"} {
		_, err := leaver.ParseRequest([]byte(`{"userId":"a@contoso.com","steps":{"setAutomaticReply":{"include":true,"internalMessage":"` + text + `"}}}`))
		require.ErrorContains(t, err, "steps.setAutomaticReply.internalMessage: holds braces that are no placeholder, want "+strings.Join(leaver.Placeholders(), ", "))
	}
	_, err := leaver.ParseRequest([]byte(`{"userId":"a@contoso.com","steps":{"setAutomaticReply":{"include":true,"internalMessage":"{leaverName} { x }"}}}`))
	require.NoError(t, err)
}
