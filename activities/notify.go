package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/webhook"
	"go.temporal.io/sdk/activity"
)

// eventType is how the types of events begin; the moment is the rest.
const eventType = "dev.leaver.offboarding."

// NotifyByWebhook tells the worker's webhook about an offboarding. The webhook may be told twice, by the same id.
func (a *Activities) NotifyByWebhook(ctx context.Context, request leaver.NotifyRequest) error {
	if a.webhook == nil {
		return undelivered(ctx, "the worker has no webhook any more: set LEAVER_WEBHOOK_URL and LEAVER_WEBHOOK_SECRET_FILE")
	}
	err := a.webhook.Send(ctx, webhook.Event{
		ID: request.ID, Source: "/leaver/" + url.PathEscape(activity.GetInfo(ctx).Namespace), Type: eventType + string(request.Event.Moment),
		Subject: request.Event.UserID, Time: request.At, Data: request.Event,
	})
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	f := leaver.Failure{Type: leaver.NotDelivered, Message: err.Error(), Waits: true}
	if answer, answered := errors.AsType[*webhook.Error](err); answered {
		advice := webhookAdvice(answer.Status)
		f.Waits, f.After = advice == "", min(answer.RetryAfter, longestPause)
		f.Message += advice
	}
	return named(ctx, f)
}

// webhookAdvice is what a person should do about an answer of the webhook's, or empty where waiting may mend it.
func webhookAdvice(status int) string {
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return ""
	case status < 400:
		return ", which is not followed: set LEAVER_WEBHOOK_URL to where it leads"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ": check that LEAVER_WEBHOOK_SECRET_FILE holds the secret that the receiver verifies with, and that the worker may call it"
	case status == http.StatusNotFound, status == http.StatusGone:
		return ": there is no receiver at the address, set LEAVER_WEBHOOK_URL to the right one"
	}
	return ": the receiver refuses the event, and its own log says why"
}

// undelivered is a failure that no waiting mends.
func undelivered(ctx context.Context, message string) error {
	return named(ctx, leaver.Failure{Type: leaver.NotDelivered, Message: message})
}

// checkNotify reports why nobody could be told as a profile says.
func (a *Activities) checkNotify(field string, notify leaver.Notify) error {
	switch {
	case len(notify.Webhook) > 0 && a.webhook == nil:
		return fmt.Errorf("%s.webhook: the worker has no webhook: set LEAVER_WEBHOOK_URL and LEAVER_WEBHOOK_SECRET_FILE", field)
	case len(notify.Mail) > 0 && a.mailFrom == "":
		return fmt.Errorf("%s.mail: the worker has no mailbox to send from: set LEAVER_MAIL_FROM", field)
	}
	return nil
}
