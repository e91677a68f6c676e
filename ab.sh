#!/bin/bash
# ab.sh ROUNDS RUNS cmd...
R=$1; N=$2; shift 2; d=$(mktemp -d)
for ((i=0;i<R;i++)); do hyperfine -N -i -w 1 -r $N --export-json $d/$i.json "$@" >/dev/null 2>&1; done
jq -rs '[.[].results[]]|group_by(.command)|.[]|{c:.[0].command,t:([.[].times[]]|sort),u:([.[].user]|add/length),s:([.[].system]|add/length)}|[.c[-60:],(.t[0]*1e6|round/1e3),(.t[(length/4|floor)]*1e6|round/1e3),(.t[(length/2|floor)]*1e6|round/1e3),(.u*1e5|round/1e2),(.s*1e5|round/1e2)]|@tsv' $d/*.json | column -t -s$'\t'; rm -r $d
