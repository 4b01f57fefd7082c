package activities

import (
	"context"
	"html"
	"regexp"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
	"go.temporal.io/sdk/activity"
)

// SetAutomaticReply has the leaver's mailbox answer by itself, and reads that back. Outsiders are answered only where
// there is a text for them. What the mailbox answered before is not kept: it is private.
//
// Microsoft: PATCH /users/{id}/mailboxSettings, https://learn.microsoft.com/graph/api/user-update-mailboxsettings
func (a *Activities) SetAutomaticReply(ctx context.Context, step leaver.StepRequest) (leaver.StepResult, error) {
	if step.Settings.InternalMessage == "" {
		return leaver.StepResult{}, invalid(ctx, "settings."+leaver.SettingInternalMessage+": is missing, want the text of the reply")
	}
	before, err := a.graph.AutomaticReply(ctx, step.UserID)
	switch err = ofMailbox(err); {
	case err == noMailbox:
		return leaver.StepResult{Outcome: leaver.Skipped, Detail: err.Error()}, nil
	case a.isDeleted(ctx, step.UserID, err):
		return alreadyDone(accountDeleted), nil
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	}
	reply, err := a.replyOf(ctx, step)
	if err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch {
	case answers(before, reply) && activity.GetInfo(ctx).Attempt > 1:
		return done("the mailbox answers by itself; how it was before is not known, as the answer to an earlier attempt was lost"), nil
	case answers(before, reply):
		return alreadyDone("the mailbox answered so before"), nil
	}
	if err := a.graph.SetAutomaticReply(ctx, step.UserID, reply); err != nil {
		return leaver.StepResult{}, failure(ctx, err)
	}
	switch now, err := a.graph.AutomaticReply(ctx, step.UserID); {
	case err != nil:
		return leaver.StepResult{}, failure(ctx, err)
	case !answers(now, reply):
		return leaver.StepResult{}, failure(ctx, errStillSo)
	}
	item := leaver.Item{ID: "automaticReply", Kind: "setting", Outcome: leaver.Done, Detail: "the mailbox answers by itself", Before: map[string]string{"status": graph.CodeOf(before.Status)}}
	return done(item.Detail, item), nil
}

// replyOf is the reply that the settings ask for.
func (a *Activities) replyOf(ctx context.Context, step leaver.StepRequest) (graph.AutomaticReply, error) {
	values, err := a.placeholders(ctx, step)
	if err != nil {
		return graph.AutomaticReply{}, err
	}
	text := func(text string) string {
		return strings.ReplaceAll(html.EscapeString(strings.NewReplacer(values...).Replace(text)), "\n", "<br>\n")
	}
	reply := graph.AutomaticReply{Status: "alwaysEnabled", ExternalAudience: "none", InternalMessage: text(step.Settings.InternalMessage)}
	if step.Settings.ExternalMessage != "" {
		reply.ExternalAudience, reply.ExternalMessage = "all", text(step.Settings.ExternalMessage)
	}
	return reply, nil
}

// placeholders are the placeholders that the texts hold, each with what it stands for.
func (a *Activities) placeholders(ctx context.Context, step leaver.StepRequest) (values []string, err error) {
	texts := step.Settings.InternalMessage + step.Settings.ExternalMessage
	if strings.Contains(texts, leaver.LeaverName) {
		person, err := a.graph.Contact(ctx, step.UserID)
		if err != nil {
			return nil, err
		}
		if person.Name == "" {
			return nil, errNoContact("the leaver has no display name" + setThere)
		}
		values = append(values, leaver.LeaverName, person.Name)
	}
	if !strings.Contains(texts, leaver.HandOverToName) && !strings.Contains(texts, leaver.HandOverToMail) {
		return values, nil
	}
	id, note, err := a.successor(ctx, step.UserID, step.Settings.HandOverTo)
	switch {
	case err != nil:
		return nil, err
	case id == "":
		return nil, errNoContact(note)
	}
	switch person, err := a.graph.Contact(ctx, id); {
	case err != nil:
		return nil, err
	case person.Name == "" || person.Mail == "":
		return nil, errNoContact("who takes over has no display name or no mail address" + setThere)
	default:
		return append(values, leaver.HandOverToName, person.Name, leaver.HandOverToMail, person.Mail), nil
	}
}

const setThere = ": set that in Entra and retry, or start anew with another handOverTo or text"

// errNoContact says why a placeholder cannot be filled.
type errNoContact string

func (e errNoContact) Error() string {
	return "the text of the automatic reply cannot be completed: " + string(e)
}

// answers reports whether a mailbox answers as it should. Exchange makes a page of a text, so that the words count.
func answers(is, should graph.AutomaticReply) bool {
	return is.Status == should.Status && is.ExternalAudience == should.ExternalAudience && words(is.InternalMessage) == words(should.InternalMessage) &&
		(should.ExternalAudience == "none" || words(is.ExternalMessage) == words(should.ExternalMessage))
}

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

// words is what a page says.
func words(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, " "))), " ")
}
