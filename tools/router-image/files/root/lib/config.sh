# Reading /etc/config files (UCI syntax): sections of `config TYPE 'NAME'` with lines `option KEY 'VALUE'`.

# uci_get FILE SECTION KEY [DEFAULT]: print the value of one option.
uci_get() {
	_section= _value=$4
	while read -r _word _key _rest; do
		_rest=${_rest#[\"\']}
		_rest=${_rest%[\"\']}
		case $_word in
		config) _section=$_rest ;;
		option | list) [ "$_section" = "$2" ] && [ "$_key" = "$3" ] && _value=$_rest ;;
		esac
	done <"/etc/config/$1"
	echo "$_value"
}
