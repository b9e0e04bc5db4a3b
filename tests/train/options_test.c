// The command line: defaults, every number's bounds, words, what wins over a loaded state.
#include "base/error.h"
#include "train/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static int parse(options *o, why *w, const char *line) {
    static char copy[512];
    char *argv[32] = {(char[]){"nnscope-train"}}, *save = NULL;
    int argc = 1;
    strcpy(copy, line);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(word, "''") ? word : word + 2;
    return options_parse(o, argc, argv, w);
}

static options accepted(const char *line) {
    options o;
    why w = {""};
    if (parse(&o, &w, line)) fail_msg("%s: %s", line, w.text);
    return o;
}

static void refused(const char *line, const char *expected) {
    options o;
    why w = {""};
    int result = parse(&o, &w, line);
    if (result != NNS_E_INVALID || !strstr(w.text, expected))
        fail_msg("%s: result %d, \"%s\" does not say \"%s\"", line, result, w.text, expected);
}

static void test_defaults(void **state) {
    (void)state;
    options o = accepted("");
    assert_int_equal(o.trainer.model.hidden, 2);
    assert_int_equal(o.trainer.model.width[0], 512);
    assert_int_equal(o.trainer.model.width[1], 256);
    assert_int_equal(o.trainer.live.batch, 128);
    assert_int_equal(o.trainer.live.epochs, 10);
    assert_true(o.threads >= 1 && o.given == 0 && !o.quiet && !o.paused && !o.save);
    assert_true(o.trainer.live.rule.lr == optimizer_default_lr(OPTIMIZER_MOMENTUM));
    assert_true(accepted("--optimizer adam").trainer.live.rule.lr ==
                optimizer_default_lr(OPTIMIZER_ADAM));
    assert_true(accepted("--lr 0.5 --optimizer adam").trainer.live.rule.lr == 0.5);
}

static void test_values(void **state) {
    (void)state;
    options o = accepted(
        "--layers 3,2,1 --activation tanh --batch 4096 --epochs 0 --seed 7 --threads 2 --limit 9 "
        "--data D --save S --load L --name N --project P --steps 5 --quiet --paused --exit "
        "--digits");
    assert_int_equal(o.trainer.model.hidden, 3);
    assert_int_equal(o.trainer.model.width[2], 1);
    assert_int_equal(o.trainer.model.activation, ACTIVATION_TANH);
    assert_true(o.trainer.live.batch == 4096 && o.trainer.live.epochs == 0 && o.steps == 5);
    assert_true(o.trainer.seed == 7 && o.data.seed == 7 && o.threads == 2 && o.data.limit == 9);
    assert_string_equal(o.data.folder, "D");
    assert_string_equal(o.save, "S");
    assert_string_equal(o.load, "L");
    assert_string_equal(o.name, "N");
    assert_string_equal(o.project, "P");
    assert_true(o.quiet && o.paused && o.data.draw);
    assert_int_equal(accepted("--layers ''").trainer.model.hidden, 0);
    assert_true(accepted("--help").help && accepted("--version").version);
}

static void test_models(void **state) {
    (void)state;
    model m = accepted("").trainer.model;
    assert_true(!m.cnn && m.activation == ACTIVATION_GELU && m.stages == 0);
    m = accepted("--model cnn").trainer.model;
    assert_true(m.cnn && m.activation == ACTIVATION_RELU && m.kernel == 3);
    assert_true(m.stages == 3 && m.filters[0] == 16 && m.filters[2] == 64);
    assert_true(m.hidden == 1 && m.width[0] == 128);
    m = accepted("--filters 4x2,8 --kernel 5 --layers '' --model cnn --activation tanh")
            .trainer.model;
    assert_true(m.stages == 3 && m.filters[1] == 4 && m.filters[2] == 8 && m.kernel == 5);
    assert_true(m.hidden == 0 && m.activation == ACTIVATION_TANH);
    m = accepted("--layers 64x10,32").trainer.model;
    assert_true(m.hidden == 11 && m.width[0] == 64 && m.width[9] == 64 && m.width[10] == 32);
    net_start start =
        accepted("--init-scale 0.5 --init-bias -3 --init-bias-share 0.25").trainer.start;
    assert_true(start.scale == 0.5f && start.bias == -3.0f && start.biased == 0.25);
    assert_int_equal(accepted("").trainer.live.schedule, SCHEDULE_CONSTANT);
    assert_int_equal(accepted("--model cnn").trainer.live.schedule, SCHEDULE_COSINE);
    assert_int_equal(accepted("--schedule constant --model cnn").trainer.live.schedule,
                     SCHEDULE_CONSTANT);
    assert_int_equal(accepted("--schedule cosine").given, OPTION_GIVEN_SCHEDULE);
    refused("--schedule linear", "constant or cosine");
    assert_true(accepted("--budget 0.5").budget == 0.5 && accepted("").budget == 0);
    refused("--budget 0", "--budget 0");
    assert_true(accepted("--stay").stay && !accepted("--stay --exit").stay);
    assert_true(accepted("--init-bias 1").given == OPTION_GIVEN_MODEL);
}

static void test_refused(void **state) {
    (void)state;
    refused("--layers 0", "--layers 0");
    refused("--layers 5,", "--layers 5,");
    refused("--layers ,5", "--layers");
    refused("--layers 5x", "--layers");
    refused("--layers 65537", "--layers");
    refused("--layers 99999999999999999999", "--layers");
    refused("--layers 64x", "--layers 64x");
    refused("--layers 64x0", "--layers 64x0");
    refused("--layers 64x64", "up to 63");
    refused("--layers 64x2x2", "--layers");
    refused("--model rnn", "mlp or cnn");
    refused("--model cnn --filters 0", "--filters 0");
    refused("--model cnn --filters ''", "--filters");
    refused("--model cnn --filters 1x9", "1 to 8 numbers");
    refused("--model cnn --kernel 4", "odd");
    refused("--model cnn --kernel 17", "--kernel 17");
    refused("--filters 16", "of --model cnn");
    refused("--init-bias-share 2", "from 0 to 1");
    refused("--activation linear", "--activation linear");
    refused("--optimizer adagrad", "sgd, momentum or adam");
    refused("--lr nan", "--lr nan");
    refused("--lr -1", "from 0 to");
    refused("--lr 1e", "--lr 1e");
    refused("--lr inf", "--lr inf");
    refused("--momentum 1.1", "from 0 to 1");
    refused("--batch 0", "from 1 to 4096");
    refused("--batch 4097", "from 1 to 4096");
    refused("--batch 1.5", "whole number");
    refused("--epochs -1", "from 0 to");
    refused("--seed 99999999999999999999", "--seed");
    refused("--threads 0", "from 1 to 256");
    refused("--limit 0", "from 1 to");
    refused("--lr", "its value is missing");
    refused("--nothing", "--nothing");
    refused("words", "words: not understood");
}

static void test_override(void **state) {
    (void)state;
    trainer_live live = {
        .rule = {.lr = 1, .momentum = 2}, .batch = 3, .epochs = 4, .optimizer = OPTIMIZER_SGD};
    options o = accepted("--lr 0.25 --epochs 9");
    options_override(&o, &live);
    assert_true(live.rule.lr == 0.25 && live.rule.momentum == 2 && live.batch == 3 &&
                live.epochs == 9);
    assert_int_equal(live.optimizer, OPTIMIZER_SGD);
    o = accepted(
        "--optimizer adam --momentum 0.5 --beta1 0.1 --beta2 0.2 --weight-decay 0.3 --batch 8");
    options_override(&o, &live);
    assert_true(live.rule.lr == 0.25 && live.rule.momentum == 0.5 && live.batch == 8);
    assert_true(live.rule.beta1 == 0.1 && live.rule.beta2 == 0.2 && live.rule.weight_decay == 0.3);
    assert_int_equal(live.optimizer, OPTIMIZER_ADAM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
        cmocka_unit_test(test_models),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_override),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
