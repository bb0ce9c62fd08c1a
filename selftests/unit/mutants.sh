#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one fault at a time into a copy of the protocol core and demands that the
# unit tests notice it. A fault is a file of the core and a sed expression; one that
# changes nothing fails too, so that this list keeps up with the sources. To run for 90 s
# of CPU time, where without a fault it is a few, is to be noticed.

cd "$(dirname "$0")" || exit 1
core=../../kmod/core
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
n=0
last=

list() {
	cat <<'LIST'
retain.c|s/full_seq(r, e) <= have\[/full_seq(r, e) < have[/|resume sends again what is there
retain.c|s/seq\[e->origin\] = full_seq(r, e) - 1;/seq[e->origin] = full_seq(r, e);/|resume forgets where a stream is
retain.c|s/r->sent = no;/r->sent = no + 1;/|resume skips a record
retain.c|s/\*no = r->sent;/*no = r->sent + (r->sent + 1 < r->next);/|the link skips a record
retain.c|s/<= r->origin\[e->origin\].stable_seq;/<= r->origin[e->origin].have_seq;/|freed before it is stable
retain.c|s/needs_link(r, e) \&\& r->first >= r->sent/false/|freed before it is sent
retain.c|s/dmring_retain_index(r, r->first) >= r->read/dmring_retain_index(r, r->first) > r->read/|freed before it is read
retain.c|s/!(e->flags \& DMRING_ENTRY_PLACED)/false/|freed before it is delivered
retain.c|s/dmring_retain_index(r, no) < r->order.held/true/|freed before all know its order
order.c|s/o->sequencer == r->self)$/false)/|the sequencer waits for itself
order.c|s/o->kind == DMRING_ORDER_SAFE ? o->stable : o->have/o->have/|delivered before it is safe
order.c|s/ \&\& record_at(r, pos) < r->sent;/;/|an order goes ahead of its message
order.c|s/r->succ != r->order.sequencer;/true;/|an order comes back to the sequencer
order.c|s/if (last \&\& last->node == node)/if (last)/|a run of two origins
order.c|s/r->order.link += f->run\[i\].count;/r->order.link += f->run[i].count + 1;/|an order leaves one out
order.c|s/for (; left \&\& tells/for (; tells/|more is told than may be
order.c|s/if (n > left\[o\])/if (n > left[o] + 1)/|an order of what is not here
order.c|s/left\[o\] -= n;//|an order of one message twice
order.c|s/if (pos > r->order.have)/if (0)/|an order with a gap
order.c|s/end <= have ? 0 : min_t(u64, run->count, end - have)/run->count/|an order applied twice
order.c|s/r->order.link = have;/r->order.link = have + 1;/|an order lost with a link
order.c|s/have > o->link/false/|claims to know an order are believed
order.c|s/have < o->stable/false/|an order may be forgotten
order.c|s/record_at(r, end - 1)) + 1;/record_at(r, end - 1)) + 2;/|one too many has a known order
order.c|s/q->head = place(r, no)->at;/q->head = no;/|a queue stands still
order.c|s/if (o->queue\[EVENTS\].count)/if (0)/|local events are not delivered
ack.c|s/r->order.have : r->order.stable;/r->order.have : r->order.have;/|all know what we know of the order
ack.c|s/a->down_ordered = 0;//|how far the order is known is lost with a link
ack.c|s/r->succ == o->sequencer ? o->have : o->link/o->have/|all know the order but the next host
ack.c|s/r->succ == o->sequencer ? o->have : o->link/o->link/|the sequencer has to be told the order
core-receive.c|s/dmring_order_set_stable(&c->retain, ordered);//|nobody hears that all know the order
core-hello.c|s/h->ordered < o->have)/false)/|a host may forget the order
core-hello.c|s/h->ordered > o->link)/false)/|a host may know an order nobody told it
core-hello.c|s/dmring_order_resume(&c->retain, c->hello.ordered);//|the order is not resumed
core-hello.c|s/h->ordered \&\& h->order == DMRING_ORDER_FIFO/false/|an order with order fifo
wire.c|s/messages > DMRING_ORDER_MESSAGES/false/|an order of any length
retain.c|s/ \&\&$/ \|\|/|sent on to its origin
retain.c|s/seq != o->have_seq + 1/false/|a gap is accepted
retain.c|s/seq <= o->have_seq/seq < o->have_seq/|a double is accepted
retain.c|s/o->have_cost + cost - o->freed_cost > window/false/|any window is accepted
retain.c|s/r->sent = max(r->sent, r->first);//|the link falls behind the log
retain.c|s/have > o->link_seq/false/|claims are believed
ack.c|s/here->have_seq : a->up/here->have_seq + 1 : a->up/|acknowledges one too many
ack.c|s/o == v->succ ? here->have_seq : a->up\[o\].stable/here->have_seq/|stable means held here
ack.c|s/min(a->up\[o\].released, here->freed_cost)/a->up[o].released/|released is not the least
ack.c|s/min(a->up\[o\].released, here->freed_cost)/here->freed_cost/|released forgets the others
ack.c|s/m->released = here->freed_cost;/m->released = here->have_cost;/|released before it is read
ack.c|s/memset(a->down, 0, sizeof(a->down));//|marks are not told again
ack.c|s/m->want = a->up\[o\].want;/m->want = 0;/|nobody hears who waits
ack.c|s/max(r->origin\[o\].stable_seq, m->stable)/m->stable/|a late mark is believed
ack.c|s/max(w->released, m->released)/m->released/|a late release is believed
ack.c|s/m->stable > here->link_seq ||//|an acknowledgment of what was not sent
ack.c|s/ || m->released > here->freed_cost;/;/|a release of what we hold
window.c|s/end <= w->released + w->limit/end <= w->released + w->limit + 64/|the window is too wide
window.c|s/((room - rec) \/ hosts)/(log \/ hosts)/|the windows do not fit the log
core-links.c|s/c->heard.chain + 1,/c->heard.chain + 2,/|closed too early
core-links.c|s/c->sizes.window = .*/c->sizes.window = log;/|sizes are not the least
core-links.c|s/b->log = min(b->log, c->heard.log);//|the smallest log is not told
core-hello.c|s/err = check_incs(c, why);/err = 0;/|a restarted host is let in
core-hello.c|s/have < c->retain.origin\[o\].have_seq/false/|a host may forget
core-hello.c|s/dmring_ack_restart(&c->ack);//|marks are lost with a link
core-hello.c|s/act->err = resume(c, act->why);/act->err = 0;/|no resume
core-receive.c|s/dmring_view_learn(&c->view, rx->origin, rx->data.inc);//|incarnations are not learned
core-receive.c|s/if (b->chain || b->final || b->log || b->rec)/if (0)/|a beat against the ring
core.c|s/c->gate = !c->cfg.network;/c->gate = true;/|sent before the ring was closed
session.c|s/s->backoff \* 2/s->backoff/|no backoff
session.c|s/now >= s->heard + s->dead/false/|silence is not noticed
core-receive.c|s/ev->what != DMRING_EV_LEFT || //|a host may tell of anything
core-receive.c|s/ || ev->node != rx->data.node//|a host may tell of another's members
core.c|s/e->flags \& DMRING_ENTRY_EVENT ? DMRING_REC_EVENT : //|events go on as messages
election-rules.h|s/a->since < b->since/a->since > b->since/|the youngest is elected
election-rules.h|s/a->served < b->served/a->served > b->served/|who has served most is elected
election-rules.h|s/a->weight > b->weight/a->weight < b->weight/|the lightest is elected
election-rules.h|s/return word > best;/return word < best;/|the heaviest are passed over
election-rules.h|s/return served < top->served;/return served > top->served;/|who has served least is passed over
election-rules.h|s/since <= top->since/since < top->since/|the first of equal age is passed over
election-rules.h|s/weight <= DMRING_WEIGHT_MAX/true/|a weight out of range counts
election-rules.h|s/!(word \& ~(DMRING_BALLOT_WEIGHT . DMRING_BALLOT_WILLING))/true/|reserved bits are taken
election-rules.c|s/now >= stop/now > stop/|a stopped proxy is replaced late
election-rules.c|s/now >= rotate/now + 1 >= rotate/|rotated early
election-rules.c|s/\*next = min(min(\*next, stop), rotate);//|nobody wakes for the limits
LIST
}

# Build with one file changed, run, and be glad of a failure.
try() {
	file=$1 expr=$2 what=$3
	n=$((n + 1))
	rm -rf "$tmp/core" "$tmp/unit"
	cp -rp "$core" "$tmp/core"
	sed "$expr" "$core/$file" >"$tmp/core/$file"
	if cmp -s "$core/$file" "$tmp/core/$file"; then
		echo "# the fault is not in $file any more: $expr"
	elif ! build; then
		echo "# does not build: $expr"
	elif ! (ulimit -t 90; DMRING_STOP=1 DMRING_ROUNDS=40 exec "$tmp/unit") >"$tmp/out" 2>&1; then
		echo "ok $n found: $what"
		return
	fi
	echo "not ok $n not found: $what"
	failed=$((failed + 1))
}

build() {
	make -s CORE="$tmp/core" OUT="$tmp" CFLAGS="-O1 -w" >"$tmp/make" 2>&1
}

list >"$tmp/list"
echo "KTAP version 1"
echo "1..$(wc -l <"$tmp/list")"
while IFS= read -r line; do
	what=${line##*|}
	rest=${line%|*}
	# what the last fault was built into, and what this one is to be built into
	case $last${rest%%|*} in
	*.h*)	rm -f "$tmp"/*.o ;;
	*)	rm -f "$tmp/core-${last%.c}.o" ;;
	esac
	last=${rest%%|*}
	rm -f "$tmp/core-${last%.c}.o"
	try "${rest%%|*}" "${rest#*|}" "$what"
done <"$tmp/list"
echo "# Totals: pass:$((n - failed)) fail:$failed xfail:0 xpass:0 skip:0 error:0"
[ "$failed" -eq 0 ]
