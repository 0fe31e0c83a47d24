/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "recovery/park.h"
#include "recovery/sources/address-token.h"
#include "recovery/sources/bind.h"
#include "tests/unit/scratch.h"

#define OVERRIDE(address) "/sys/bus/pci/devices/" address "/driver_override"
#define BIND              "/sys/bus/pci/drivers/vfio-pci/bind"
#define SHEBANG           "#!/bin/sh\n"
#define LINE_A            "echo 0000:05:00.0 > " BIND "\n"
#define LINE_B            "echo 0000:06:00.0 > " BIND "\n"
#define OFF               PARK_EXIT_LINE
#define OUT               PARK_PREFIX
#define BODY              PARK_BODY_PREFIX

static struct document document;

static void teardown(void)
{
	document_done(&document);
}

static void load(const char *text)
{
	document_done(&document);
	document.path = "/script";
	document.size = strlen(text);
	ck_assert_int_eq(bytes_duplicate(bytes_of(text), &document.data), 0);
	ck_assert_int_eq(bind_script_scan_document(&document), 0);
}

static bool says(const struct reference *reference, const char *address)
{
	struct pci_address wanted;

	ck_assert_int_eq(address_token_parse(bytes_of(address), &wanted), 0);
	return pci_address_equal(&reference->address, &wanted);
}

/* The script with every mention of the address put out of force. */
static void expect_parked(const char *text, const char *address, const char *wanted)
{
	_cleanup_free_ struct treatment *treatments = NULL;
	struct rendered rendered;
	_cleanup_(problem_done) struct problem problem = { 0 };
	bool known = false;

	load(text);
	treatments = calloc(document.n_references + 1, sizeof(*treatments));
	ck_assert_ptr_nonnull(treatments);
	for (size_t i = 0; i < document.n_references; i++)
		known |= treatments[i].park = says(&document.references[i], address);
	ck_assert_msg(known, "%s is not found in %s", address, text);
	ck_assert_int_eq(park_render(&document, treatments, &rendered), 0);
	ck_assert_str_eq(rendered.text, wanted);
	ck_assert_str_eq(rendered.plain, text);
	ck_assert_msg(bind_script_check_text(bytes_make(rendered.text, rendered.size), "x",
					     &problem) == 0,
		      "%s", problem.text);
	rendered_done(&rendered);
}

static void expect_off(const char *text, const char *address)
{
	_cleanup_(buffer_done) struct buffer wanted = { 0 };
	size_t head = strncmp(text, "#!", 2) == 0 ? (size_t)(strchr(text, '\n') - text) + 1 : 0;

	buffer_append(&wanted, bytes_make(text, head));
	buffer_append_text(&wanted, OFF);
	buffer_append_text(&wanted, text + head);
	expect_parked(text, address, wanted.data);
}

START_TEST(comments_out_each_statement_of_the_guide)
{
	const char *text = SHEBANG
		"#echo \"0000:05:00.0\" > /sys/bus/pci/devices/0000:05:00.0/driver/unbind\n"
		"echo \"0000:05:00.0\" > /sys/bus/pci/devices/0000:05:00.0/driver/unbind\n"
		"echo \"0000:06:00.0\" > /sys/bus/pci/devices/0000:06:00.0/driver/unbind\n"
		"echo \"vfio-pci\" > " OVERRIDE("0000:05:00.0") "\n"
								"echo \"vfio-pci\" > " OVERRIDE(
									"0000:06:00.0") "\n";

	expect_parked(
		text, "0000:05:00.0",
		SHEBANG
		"#echo \"0000:05:00.0\" > /sys/bus/pci/devices/0000:05:00.0/driver/unbind\n" OUT
		"echo \"0000:05:00.0\" > /sys/bus/pci/devices/0000:05:00.0/driver/unbind\n"
		"echo \"0000:06:00.0\" > /sys/bus/pci/devices/0000:06:00.0/driver/unbind\n" OUT
		"echo \"vfio-pci\" > " OVERRIDE("0000:05:00.0") "\n"
								"echo \"vfio-pci\" > " OVERRIDE(
									"0000:06:00.0") "\n");
	ck_assert_uint_eq(document.n_references, 6);
	ck_assert_uint_eq(document.n_notes, 1);
	ck_assert_str_eq(document.notes[0], "2: 2 addresses in comments are left");
}
END_TEST

START_TEST(comments_out_all_lines_of_a_statement)
{
	expect_parked(
		SHEBANG "echo 05:00.0 \\\n > " BIND " \\\n 2>/dev/null ||\n\n  true # x\n" LINE_B,
		"05:00.0",
		SHEBANG OUT "echo 05:00.0 \\ (continued)\n" OUT " > " BIND " \\ (continued)\n" OUT
			    " 2>/dev/null ||\n\n" OUT "  true # x\n" LINE_B);
	expect_parked("printf 'a\nb' 05:00.0 > /sys/bus/pci/x\n" LINE_B, "05:00.0",
		      OUT "printf 'a\n" OUT "b' 05:00.0 > /sys/bus/pci/x\n" LINE_B);
	expect_parked("echo 05:00.0 > /sys/bus/pci/x", "05:00.0",
		      OUT "echo 05:00.0 > /sys/bus/pci/x");
	expect_parked("echo 05:00.0 > /sys/bus/pci/x\r\necho b\r\n", "05:00.0",
		      OUT "echo 05:00.0 > /sys/bus/pci/x\r\necho b\r\n");
}
END_TEST

START_TEST(leaves_no_body_empty)
{
	expect_parked("if true; then\n\t" LINE_A "fi\n", "05:00.0",
		      "if true; then\n" BODY "\t" LINE_A "fi\n");
	expect_parked("{\n" LINE_A LINE_A "}\n", "05:00.0", "{\n" BODY LINE_A BODY LINE_A "}\n");
	expect_parked("case x in\nx)\n" LINE_A ";;\nesac\n", "05:00.0",
		      "case x in\nx)\n" BODY LINE_A ";;\nesac\n");
	expect_parked("while true; do\n" LINE_A "sleep 1\ndone\n", "05:00.0",
		      "while true; do\n" BODY LINE_A "sleep 1\ndone\n");
}
END_TEST

START_TEST(takes_words_out_of_the_list_of_a_loop)
{
	const char *body = "\ndo echo $d; done\n";
	char text[256], wanted[256];
	static const struct {
		const char *before;
		const char *after;
	} lists[] = {
		{ "for d in 05:00.0 06:00.0 # x", "for d in 06:00.0 # x" },
		{ "for d in 06:00.0 0000:05:00.0;", "for d in 06:00.0;" },
		{ "for d in 05:00.0", "for d in " },
		{ "for d in 05:00.0 # x", "for d in  # x" },
		{ "for d in \"05:00.0\" '06:00.0'", "for d in '06:00.0'" },
		{ "for d in \\\n05:00.0 \\\n06:00.0", "for d in \\\n06:00.0" },
		{ "for d in 06:00.0 \\\n 05:00.0", "for d in 06:00.0" },
		{ "for d in $A /sys/devices/05:00.0 b", "for d in $A b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", lists[i].before, body);
		(void)snprintf(wanted, sizeof(wanted), "%s%s", lists[i].after, body);
		expect_parked(text, "05:00.0", wanted);
	}
}
END_TEST

START_TEST(takes_words_out_of_a_variable_that_loops_go_over)
{
	static const char loop[] = "for d in $D; do echo $d; done\n"
				   "for e in ${D} 07:00.0\ndo echo; done\n";
	static const struct {
		const char *before;
		const char *after;
	} values[] = {
		{ "D=\"05:00.0 06:00.0\"\n", "D=\"06:00.0\"\n" },
		{ "D='05:00.0'\n", "D=''\n" },
		{ "D=05:00.0\n", "D=\n" },
		{ "D=\"\n05:00.0\n06:00.0\n\"\n", "D=\"\n06:00.0\n\"\n" },
		{ "D=\"06:00.0\n\t05:00.0\"\n", "D=\"06:00.0\"\n" },
		{ "D=\" 06:00.0 \\\n 05:00.0 \"\n", "D=\" 06:00.0 \"\n" },
		{ "D=06:00.0\nD=\"$D 05:00.0\"\n", "D=06:00.0\nD=\"$D\"\n" },
	};
	char text[256], wanted[256];

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", values[i].before, loop);
		(void)snprintf(wanted, sizeof(wanted), "%s%s", values[i].after, loop);
		expect_parked(text, "05:00.0", wanted);
	}
}
END_TEST

START_TEST(comments_out_a_whole_compound_command_that_is_about_one_device)
{
	expect_parked("if [ -e /x/05:00.0 ]; then\n" LINE_A "\techo done\nfi\n" LINE_B, "05:00.0",
		      OUT "if [ -e /x/05:00.0 ]; then\n" OUT LINE_A OUT "\techo done\n" OUT
			  "fi\n" LINE_B);
	expect_parked("[ -e /x/05:00.0 ] && {\n" LINE_A "}\n", "05:00.0",
		      OUT "[ -e /x/05:00.0 ] && {\n" OUT LINE_A OUT "}\n");
	expect_off("if [ -e /x/05:00.0 ]; then\n" LINE_A LINE_B "fi\n", "05:00.0");
	expect_off("if [ -e /x/05:00.0 ]; then\nmodprobe vfio-pci\nfi\n", "05:00.0");
	expect_off("if [ -e /x/05:00.0 ]; then\nfor d in $D; do echo $d > " BIND "; done\nfi\n",
		   "05:00.0");
}
END_TEST

START_TEST(commands_on_one_line_go_together_or_not_at_all)
{
	expect_parked("echo 05:00.0 > /sys/bus/pci/x; echo 0000:05:00.0 > /sys/bus/pci/y\n" LINE_B,
		      "05:00.0",
		      OUT
		      "echo 05:00.0 > /sys/bus/pci/x; echo 0000:05:00.0 > /sys/bus/pci/y\n" LINE_B);
	expect_parked("echo 05:00.0 > /sys/bus/pci/x; sleep 1\n", "05:00.0",
		      OUT "echo 05:00.0 > /sys/bus/pci/x; sleep 1\n");
	expect_off(SHEBANG "echo 05:00.0 > /sys/bus/pci/x; echo 06:00.0 > /sys/bus/pci/y\n",
		   "05:00.0");
	expect_off(SHEBANG "echo 05:00.0 > /sys/bus/pci/x; echo 06:00.0 > /sys/bus/pci/y\n",
		   "06:00.0");
	expect_off("modprobe vfio-pci; echo 05:00.0 > /sys/bus/pci/x\n", "05:00.0");
	expect_off("echo 05:00.0 > /sys/bus/pci/x && modprobe vfio-pci\n", "05:00.0");
	expect_off("f() { echo 05:00.0 > /sys/bus/pci/x; }\n", "05:00.0");
	expect_off("echo 05:00.0 06:00.0 > /sys/bus/pci/x\n", "05:00.0");
}
END_TEST

START_TEST(switches_off_what_has_no_shape)
{
	expect_off(SHEBANG "GPU=05:00.0\necho $GPU > /sys/bus/pci/x\n", "05:00.0");
	expect_off("D=05:00.0\nfor d in \"$D\"; do echo $d; done\n", "05:00.0");
	expect_off("D=05:00.0\nfor d in $D; do echo $d; done\necho ${D%.*}\n", "05:00.0");
	expect_off("D=05:00.0\nfor d in $D; do echo $d; done\neval \"echo \\$D\"\n", "05:00.0");
	expect_off("D=05:00.0\nfor d in $D; do echo $d; done\nread D\n", "05:00.0");
	expect_off("D=05:00.0\n. /other\n", "05:00.0");
	expect_off("IFS=,\nD=05:00.0\nfor d in $D; do echo $d; done\n", "05:00.0");
	expect_off("for d in 05:00.0,06:00.0; do echo $d; done\n", "05:00.0");
	expect_off("for d in \"05:00.0 x\" 06:00.0; do echo $d; done\n", "06:00.0");
	expect_off("for d in 05:00.$f 06:00.0; do echo $d; done\n", "06:00.0");
	expect_off("for d in $(echo 05:00.0); do echo $d; done\n", "05:00.0");
	expect_off("for d in `echo 05:00.0`; do echo $d; done\n", "05:00.0");
	expect_off("case $d in\n05:00.0)\necho\n;;\nesac\n", "05:00.0");
	expect_off("cat > /sys/bus/pci/x <<EOF\n05:00.0\nEOF\n", "05:00.0");
	expect_off("cat > /x/05:00.0 <<EOF\nvfio-pci\nEOF\n", "05:00.0");
	expect_off("D=(05:00.0)\n", "05:00.0");
	expect_off("cd /x/05:00.0\n", "05:00.0");
	expect_off("set -- 05:00.0\n", "05:00.0");
	expect_off("[ -e /x/05:00.0 ] && exit\n", "05:00.0");
	expect_off("while [ -e /x/05:00.0 ]; do\nread x\ndone\n", "05:00.0");
	expect_off("echo 05:00.$f > /sys/bus/pci/x\n", "05:00.0");
}
END_TEST

START_TEST(a_slot_without_a_function_is_not_certain)
{
	load("echo 0000:05:00.$f\necho 0000:05:00.1\n");
	ck_assert_uint_eq(document.n_references, 2);
	ck_assert(!document.references[0].certain);
	ck_assert(document.references[1].certain);
}
END_TEST

START_TEST(a_script_that_cannot_be_read_can_only_be_switched_off)
{
	static const char *const scripts[] = {
		LINE_A "if true; then\n",
		LINE_A "if true; then\nfi\n",
		LINE_A "for d in a; do echo\n",
		LINE_A "echo \"x\n",
		LINE_A "echo 'x\n",
		LINE_A "fi\n",
		LINE_A "echo )\n",
		LINE_A "echo |\n",
		"{\\\n" LINE_A "}\n",
		"for d in a; do\\\n" LINE_A "done\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		expect_off(scripts[i], "05:00.0");
		ck_assert_ptr_null(document.rejected);
		ck_assert(!document.references[0].certain);
	}
	load("if true; then\n");
	ck_assert_uint_eq(document.n_references, 0);
}
END_TEST

START_TEST(what_is_switched_off_need_not_be_read)
{
	static const struct {
		const char *text;
		const char *cause;
	} scripts[] = {
		{ LINE_A "if true; then\n", "line 3: commands are missing" },
		{ LINE_A "for d in a; do echo\n", "line 3: a `done` is missing" },
		{ LINE_A "echo \"x\n", "line 3: a double quote is not closed" },
		{ LINE_A "echo )\n", "line 2: something is closed that was not opened" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_(buffer_done) struct buffer off = { 0 };
		_cleanup_(problem_done) struct problem problem = { 0 };

		ck_assert_int_eq(bind_script_check_text(bytes_of(scripts[i].text), "x", &problem),
				 -EBADMSG);
		ck_assert_msg(strstr(problem.text, strchr(scripts[i].cause, ':')), "%s",
			      problem.text);
		buffer_append_text(&off, SHEBANG OFF);
		buffer_append_text(&off, scripts[i].text);
		ck_assert_int_eq(bind_script_check_text(buffer_bytes(&off), "x", &problem), 0);
	}
}
END_TEST

START_TEST(switches_off_a_script_that_may_turn_on_what_is_left_out)
{
	static const char *const scripts[] = {
		"f() { echo; }\n" LINE_A,
		"set -e\n" LINE_A,
		LINE_A "echo $?\n",
		": \"${D:=x}\"\n" LINE_A,
		"printf -v D x\n" LINE_A,
		"D=$((1 + 1))\n" LINE_A,
		"for d in 05:00.0; do echo $d; done\necho $d\n",
		"for d in 05:00.0; do echo $d && break; done\n",
		"for d in 05:00.0; do N=1; done\n[ -z \"$N\" ] && echo\n",
		"for d in 05:00.0; do [ $N ] && echo; N=1; done\n",
		"for a in b; do N=0; for d in 05:00.0; do N=1; done; [ $N ] && echo; done\n",
		"for a in b; do N=0; for d in 05:00.0; do [ $N ] && echo; N=1; done; done\n",
		"for d in 05:00.0; do touch /tmp/x; done\n",
		"for d in 05:00.0; do echo $d > /tmp/x; done\n",
		"if for d in 05:00.0; do echo $d; done; then echo; fi\n",
		"for d in 05:00.0; do echo $d; done && echo\n",
		"{\n" LINE_A "} && echo\n",
		"if {\n" LINE_A "}; then echo; fi\n",
		"{\n" LINE_A "} | head -n 1 > " BIND "\n",
		"[ -e /sys/bus/pci/devices/0000:05:00.0 ]\n",
		"[ -e /x/05:00.0 ] && echo 1 > /tmp/x\n",
		"grep -q x /x/05:00.0\n",
		LINE_A "for p in /x/*; do echo vfio-pci > $p/driver_override; done\n",
		"for d in 05:00.0 $(ls); do echo $d; done\n",
		LINE_A "for f in 0 1; do echo > /sys/bus/pci/devices/0000:07:0$f.0/bind; done\n",
	};

	expect_off("#!/bin/sh -e\n" LINE_A, "05:00.0");
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
		expect_off(scripts[i], "05:00.0");
}
END_TEST

START_TEST(a_slot_that_a_script_completes_is_a_mention)
{
	static const char loop[] =
		"for f in 0 1; do echo > /sys/bus/pci/devices/0000:$GPU.$f/driver_override; done\n";
	_cleanup_(buffer_done) struct buffer text = { 0 };

	buffer_append_text(&text, "GPU=\"05:00\" # 06:00\n");
	buffer_append_text(&text, loop);
	load(text.data);
	ck_assert_uint_eq(document.n_references, 1);
	ck_assert(says(&document.references[0], "05:00.0"));
	ck_assert(!document.references[0].certain);
	ck_assert_int_eq(document.references[0].shape, PARK_SCRIPT);
	load("sleep 05:00\n" LINE_A);
	ck_assert_uint_eq(document.n_references, 1);
}
END_TEST

START_TEST(reads_deep_nesting_up_to_a_limit)
{
	_cleanup_(buffer_done) struct buffer text = { 0 };
	_cleanup_(problem_done) struct problem problem = { 0 };

	for (int i = 0; i < 90; i++)
		buffer_append_text(&text, "{\n");
	buffer_append_text(&text, LINE_A);
	for (int i = 0; i < 90; i++)
		buffer_append_text(&text, "}\n");
	load(text.data);
	ck_assert_int_eq(document.references[0].shape, PARK_LINES);
	buffer_done(&text);
	for (int i = 0; i < 100000; i++)
		buffer_append_text(&text, "$(");
	ck_assert_int_eq(bind_script_check_text(buffer_bytes(&text), "x", &problem), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(problem.text, "is nested too deeply"));
}
END_TEST

START_TEST(places_are_those_of_the_statement)
{
	load("echo \"0000:05:00.0\"  >\t" BIND "\nfor d in 06:00.0; do :; done\n"
	     "X='07:00.0 08:00.0'\n");
	ck_assert_uint_eq(document.n_references, 4);
	ck_assert_str_eq(document.references[0].key, "echo \"@\" > " BIND);
	ck_assert_str_eq(document.references[0].block, "");
	ck_assert_str_eq(document.references[1].key, "for");
	ck_assert_str_eq(document.references[1].block, "for d");
	ck_assert_str_eq(document.references[2].block, "X=");
	ck_assert_uint_eq(document.references[3].line, 3);
	ck_assert_uint_eq(document.n_line_digests, 3);
	ck_assert_uint_eq(document.references[2].line_digest, document.references[3].line_digest);
	ck_assert_uint_ne(document.references[1].line_digest, document.references[2].line_digest);
}
END_TEST

static void expect_notes(const char *text, const char *wanted)
{
	_cleanup_(buffer_done) struct buffer found = { 0 };

	load(text);
	for (size_t i = 0; i < document.n_notes; i++)
		buffer_appendf(&found, "%s\n", document.notes[i]);
	buffer_append_text(&found, "");
	ck_assert_str_eq(found.data ? found.data : "", wanted);
}

START_TEST(says_what_cannot_be_verified)
{
	expect_notes(
		"for d in /sys/bus/pci/devices/*/boot_vga; do\necho > ${d%/*}/driver_override\n"
		"done\n",
		"1: cannot be verified: devices chosen by boot_vga\n"
		"1: cannot be verified: devices chosen from all there are\n");
	expect_notes("# driver_override\nA=$(lspci | grep NVIDIA)\necho $A > " BIND "\n",
		     "2: cannot be verified: devices chosen by lspci\n");
	expect_notes("x=$(cat $d/class)\ny=$(cat $d/vendor)\nfor a in $(cat /proc/cmdline); do\n"
		     "echo $d > /sys/bus/pci/drivers_probe\ndone\n",
		     "1: cannot be verified: devices chosen by their class\n"
		     "2: cannot be verified: devices chosen by their model\n"
		     "3: cannot be verified: devices chosen on the kernel command line\n");
	expect_notes("lspci\ncat /proc/cmdline\n", "");
	expect_notes("# lspci\n" LINE_A, "");
	static const char *const joined[] = {
		"/sys/bus/pci/devices/${D}:05:00.0/driver_override",
		"/sys/bus/pci/devices/0000:$D.0/driver_override",
		"/sys/bus/pci/devices/$D.0/driver_override",
		"/sys/bus/pci/devices/\"0000:05\":00.0/driver_override",
		"/sys/bus/pci/devices/0000:05:\\\n00.0/driver_override",
		"/sys/bus/pci/devices/0000:0{5,6}:00.0/driver_override",
	};

	for (size_t i = 0; i < ARRAY_SIZE(joined); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "echo > %s\n", joined[i]);
		expect_notes(text, "1: cannot be verified: addresses put together by the script\n");
	}
	expect_notes("echo > \"/sys/bus/pci/devices/${D##*/}/driver_override\"\n", "");
	expect_notes("echo 10de:1c82 'a: b' > /sys/bus/pci/devices/$D/driver_override\n", "");
}
END_TEST

START_TEST(reads_the_models_given_to_a_driver)
{
	load("echo \"8086 10D3\" > /sys/bus/pci/drivers/vfio-pci/new_id\n"
	     "echo 10de 1b80 1043 85aa >/sys/bus/pci/drivers/pci-stub/new_id\n"
	     "echo $IDS > /sys/bus/pci/drivers/vfio-pci/new_id\n");
	ck_assert_uint_eq(document.n_ids, 2);
	ck_assert_int_eq(document.ids[0].vendor, 0x8086);
	ck_assert_int_eq(document.ids[0].device, 0x10d3);
	ck_assert_int_eq(document.ids[0].subsystem_vendor, -1);
	ck_assert_str_eq(document.ids[0].driver, "vfio-pci");
	ck_assert_int_eq(document.ids[1].subsystem_device, 0x85aa);
	ck_assert_str_eq(document.ids[1].driver, "pci-stub");
	ck_assert_uint_eq(document.n_notes, 1);
	ck_assert_str_eq(document.notes[0],
			 "3: cannot be verified: models given to vfio-pci as new_id");
}
END_TEST

#define SCRIPTS "/etc/initramfs-tools/scripts/init-top"

static struct document *find(const struct documents *documents, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", SCRIPTS, name);
	return documents_find(documents, path);
}

static void make_script(const char *name, const char *text, mode_t mode)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", SCRIPTS, name);
	write_text(path, text);
	ck_assert_int_eq(chmod(host(path), mode), 0);
}

START_TEST(collects_what_the_initramfs_runs)
{
	static const char *const globs[] = { "/opt/*.sh" };
	const struct scan_context context = { .root = &root,
					      .bind_globs = globs,
					      .n_bind_globs = 1 };
	_cleanup_(documents_done) struct documents documents = { 0 };
	const struct source *source = &bind_script_source;

	scratch_make();
	make_directory("/etc");
	make_directory("/etc/initramfs-tools");
	make_directory("/etc/initramfs-tools/scripts");
	make_directory(SCRIPTS);
	make_directory("/opt");
	make_script("bind", LINE_A, 0755);
	make_script("bind~", LINE_A, 0755);
	make_script("off", LINE_A, 0644);
	make_script("python", "#!/usr/bin/python3\n# 0000:05:00.0\n", 0755);
	make_script("perl", "#!/usr/bin/perl\n", 0755);
	make_script("env", "#! /usr/bin/env bash\n" LINE_A, 0755);
	ck_assert_int_eq(symlink("/opt/x.sh", host(SCRIPTS "/link")), 0);
	ck_assert_int_eq(mkfifo(host(SCRIPTS "/fifo"), 0755), 0);
	write_text("/opt/x.sh", LINE_A);

	ck_assert_int_eq(source->collect(source, &context, &documents, NULL), 0);
	ck_assert_int_eq(source->scan(source, &context, &documents, NULL), 0);
	ck_assert_uint_eq(documents.n_items, 7);
	ck_assert_uint_eq(find(&documents, "bind")->n_references, 1);
	ck_assert(find(&documents, "bind")->in_image);
	ck_assert_uint_eq(find(&documents, "env")->n_references, 1);
	ck_assert_uint_eq(find(&documents, "off")->n_references, 1);
	ck_assert_uint_eq(find(&documents, "off")->n_notes, 1);
	ck_assert_str_eq(find(&documents, "python")->unfit, "is no shell script");
	ck_assert_ptr_null(find(&documents, "perl"));
	ck_assert_ptr_null(find(&documents, "bind~"));
	ck_assert_ptr_nonnull(find(&documents, "link")->unfit);
	ck_assert_ptr_nonnull(find(&documents, "fifo")->unfit);
	ck_assert_uint_eq(documents_find(&documents, "/opt/x.sh")->n_references, 1);
	ck_assert(!documents_find(&documents, "/opt/x.sh")->in_image);
	scratch_remove();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bind-script");
	TCase *tcase = tcase_create("bind-script");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, comments_out_each_statement_of_the_guide);
	tcase_add_test(tcase, comments_out_all_lines_of_a_statement);
	tcase_add_test(tcase, leaves_no_body_empty);
	tcase_add_test(tcase, takes_words_out_of_the_list_of_a_loop);
	tcase_add_test(tcase, takes_words_out_of_a_variable_that_loops_go_over);
	tcase_add_test(tcase, comments_out_a_whole_compound_command_that_is_about_one_device);
	tcase_add_test(tcase, commands_on_one_line_go_together_or_not_at_all);
	tcase_add_test(tcase, switches_off_what_has_no_shape);
	tcase_add_test(tcase, a_slot_without_a_function_is_not_certain);
	tcase_add_test(tcase, a_script_that_cannot_be_read_can_only_be_switched_off);
	tcase_add_test(tcase, what_is_switched_off_need_not_be_read);
	tcase_add_test(tcase, switches_off_a_script_that_may_turn_on_what_is_left_out);
	tcase_add_test(tcase, a_slot_that_a_script_completes_is_a_mention);
	tcase_add_test(tcase, reads_deep_nesting_up_to_a_limit);
	tcase_add_test(tcase, places_are_those_of_the_statement);
	tcase_add_test(tcase, says_what_cannot_be_verified);
	tcase_add_test(tcase, reads_the_models_given_to_a_driver);
	tcase_add_test(tcase, collects_what_the_initramfs_runs);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
