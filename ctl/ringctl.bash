# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of ringctl(8) for bash

# Names of the rings of this network namespace
_ringctl_rings()
{
	ringctl proxy show 2>/dev/null | sed -n 's/^ring \([^ ]*\).*/\1/p'
}

# Words that may follow "OBJECT VERB NAME" and what they have taken so far
_ringctl_keys()
{
	case "$1" in
	"ring add") echo scope order node listen log slots slow owner group mode max dead \
			rotate proxy-timeout identify insecure ;;
	"ring set") echo slow owner group mode rotate proxy-timeout ;;
	"ring wait") echo timeout ;;
	"peer add") echo node addr ;;
	"peer del") echo node ;;
	"proxy elect") echo member ;;
	"view prepare") echo number attempt join ;;
	"view fill") echo number attempt prev hosts cut sequencer ordered base quorum ;;
	"view install") echo number attempt ;;
	"status") echo watch ;;
	"send") echo service each count size ;;
	"recv") echo service count timeout raw ;;
	"call") echo service timeout ;;
	"serve") echo parallel service ;;
	esac
}

_ringctl_values()
{
	case "$1" in
	service) ringctl service show 2>/dev/null | awk 'NR > 1 { print $2 }' | sort -u ;;
	scope) echo machine network ;;
	order) echo fifo total safe ;;
	slow) echo block evict drop ;;
	esac
}

_ringctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local i=1 object verb="" words=""

	while [[ ${COMP_WORDS[i]} == -* && $i -lt $COMP_CWORD ]]; do
		case "${COMP_WORDS[i]}" in
		-n | --netns) ((i++)) ;;
		esac
		((i++))
	done
	if [[ $i -gt $COMP_CWORD ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(ip netns list 2>/dev/null | cut -d' ' -f1)" -- "$cur")
		return
	fi
	object=${COMP_WORDS[i]}
	local at=$((COMP_CWORD - i))

	if [[ $at -gt 0 ]]; then
		case "$object" in
		ring | peer | member | proxy | view | service)
			verb=" ${COMP_WORDS[i + 1]}"
			((at--)) ;;
		esac
	fi
	if [[ $COMP_CWORD -eq $i ]]; then
		words="ring peer member proxy view service status monitor send recv call serve up down help"
	elif [[ $at -eq 0 ]]; then
		case "$object" in
		ring) words="add set del show wait help" ;;
		peer) words="add del show help" ;;
		member) words="show evict help" ;;
		proxy) words="show elect help" ;;
		view) words="show prepare fill install help" ;;
		service) words="show help" ;;
		esac
	elif [[ $at -eq 1 && $object == @(up|down) ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	elif [[ $at -eq 1 ]]; then
		words=$(_ringctl_rings)
	else
		words=$(_ringctl_values "$prev")
		[[ $words ]] || words=$(_ringctl_keys "$object$verb")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _ringctl ringctl
